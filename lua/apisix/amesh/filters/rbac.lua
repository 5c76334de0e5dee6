-- Envoy's RBAC filters: who may do what. See access/policies.lua for what a filter says.
local core = require("apisix.core")
local policies = require("apisix.amesh.access.policies")

local ngx = ngx
local require = require

local _M = {}

local FORBIDDEN, WORDS = 403, "RBAC: access denied"

-- loaded when it is asked for: the stream side has no requests
local request_view


local function reason(filter, policy, why)
    return "filter " .. filter.name .. ": " .. (policy and "policy \"" .. policy .. "\" " .. why or why)
end


-- HTTP: asked for each request, see http_filters.lua.
function _M.run(filter, ctx, override)
    request_view = request_view or require("apisix.amesh.access.request_view")
    local allowed, policy, why = policies.decide(override or filter, request_view, ctx)
    if allowed then
        return nil
    end

    ctx.amesh_denied_by = reason(filter, policy, why)
    core.log.info("request denied, ", ngx.req.get_method(), " ", ngx.var.request_uri, " of ",
                  ngx.var.remote_addr, ": ", ctx.amesh_denied_by)
    return FORBIDDEN, WORDS
end


-- Network: asked for each connection, see network_filters.lua. True; or false and why.
function _M.admits(filter, view, ctx)
    local allowed, policy, why = policies.decide(filter, view, ctx)
    if allowed then
        return true
    end
    return false, reason(filter, policy, why)
end


return _M
