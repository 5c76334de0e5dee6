-- Whether a chain lets the connection of a request in: by the client's certificate, then by the network filters that
-- stand before HTTP. Who is not let in gets nothing.
local core = require("apisix.core")
local connection_view = require("apisix.amesh.access.connection_view")
local downstream_tls = require("apisix.amesh.downstream_tls")
local listeners = require("apisix.amesh.listeners")
local network_filters = require("apisix.amesh.network_filters")

local _M = {}


function _M.admits(ctx, chain)
    local choice = listeners.is_tls(ctx) and downstream_tls.current()
    if choice then
        local admitted, why = downstream_tls.admit(choice, chain)
        if not admitted then
            core.log.error("a TLS connection is closed by chain ", chain.name or "", ": ", why)
            return false
        end
    end

    ctx.amesh_admitted = not chain.network_filters or network_filters.admits(chain, connection_view, ctx)
    return ctx.amesh_admitted
end


return _M
