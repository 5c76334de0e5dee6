-- What is known of a connection when one of its requests asks: for network filters before HTTP.
local destination = require("apisix.amesh.destination")
local downstream_tls = require("apisix.amesh.downstream_tls")
local peer_view = require("apisix.amesh.access.peer_view")

local ngx = ngx
local ngx_var = ngx.var

local _M = {
    is_tls = peer_view.is_tls,
    peer = peer_view.peer,
    subject = peer_view.subject,
}


function _M.header()
    return nil
end


function _M.path()
    return nil
end


-- What network filters have left.
function _M.metadata(ctx, namespace)
    local all = ctx.amesh_connection_metadata
    return all and all[namespace]
end


function _M.destination_ip(ctx)
    return destination.of(ctx).ip
end


function _M.destination_port(ctx)
    return destination.of(ctx).port
end


function _M.direct_ip()
    return ngx_var.realip_remote_addr or ngx_var.remote_addr
end


_M.remote_ip = _M.direct_ip


function _M.server_name()
    local choice = downstream_tls.current()
    local hello = choice and choice.hello or ngx.ctx.amesh_client_hello
    return hello and hello.sni or ""
end


return _M
