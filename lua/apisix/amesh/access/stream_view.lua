-- What is known of a TCP connection that the captured port handed on, for network filters. ctx.amesh_connection is what
-- filter chains were matched with.
local peer_view = require("apisix.amesh.access.peer_view")

local _M = {
    is_tls = peer_view.is_tls,
    peer = peer_view.peer,
    subject = peer_view.subject,
}


local function nothing()
    return nil
end


_M.header, _M.path = nothing, nothing


-- What network filters have left.
function _M.metadata(ctx, namespace)
    local all = ctx.amesh_connection_metadata
    return all and all[namespace]
end


function _M.destination_ip(ctx)
    return ctx.amesh_connection.about.destination_ip
end


function _M.destination_port(ctx)
    return ctx.amesh_connection.about.destination_port
end


function _M.direct_ip(ctx)
    return ctx.amesh_connection.about.source_ip
end


_M.remote_ip = _M.direct_ip


function _M.server_name(ctx)
    return ctx.amesh_connection.about.sni or ""
end


return _M
