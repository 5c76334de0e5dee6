-- Requests to switch protocols. Envoy lets through what the route, or else the listener, allows, and answers 403 to the
-- rest; hop-by-hop headers of a request without such a wish go no further.
local headers = require("apisix.amesh.headers")
local listeners = require("apisix.amesh.listeners")
local local_reply = require("apisix.amesh.local_reply")

local find = string.find
local lower = string.lower
local ngx_var = ngx.var

local _M = {}

local BY_DEFAULT = { websocket = true }
-- HTTP/2 without TLS is never switched to; Envoy takes the wish for none
local IGNORED = { h2c = true }


-- The protocol that the client wants, in lower case; nil for none.
local function wanted(ctx)
    local connection = headers.value(ctx, "connection")
    if not connection or not find(lower(connection), "upgrade", 1, true) then
        return nil
    end

    local protocol = headers.value(ctx, "upgrade")
    protocol = protocol and lower(protocol)
    return protocol and not IGNORED[protocol] and protocol or nil
end


-- What a list says of a protocol: true, false, or nil for nothing.
local function said(list, protocol)
    return list and list[protocol]
end


-- Lists of protocols: conf.upgrades of the route, and that of the listener, which is WebSocket alone where it has none.
function _M.check(ctx, conf)
    local protocol = wanted(ctx)
    ctx.amesh.upgrade = protocol
    if not protocol then
        return
    end

    local http = listeners.of(ctx) or {}
    local allowed = said(conf.upgrades, protocol)
    if allowed == nil then
        allowed = said(http.upgrades or BY_DEFAULT, protocol)
    end
    if not allowed then
        return local_reply.send(ctx, 403)
    end
end


-- What the endpoint is told. nginx's variables are empty but for what the client sent.
function _M.forward(ctx)
    if ctx.amesh.upgrade then
        ctx.var.upstream_upgrade = headers.value(ctx, "upgrade")
        ctx.var.upstream_connection = "upgrade"
    else
        if headers.raw(ctx, "upgrade") then
            ctx.var.upstream_upgrade = ""
        end
        if headers.raw(ctx, "connection") then
            ctx.var.upstream_connection = ""
        end
    end

    local te = headers.value(ctx, "te")
    if te and find(lower(te), "trailers", 1, true) then
        ngx_var.amesh_te = "trailers"
    end
end


return _M
