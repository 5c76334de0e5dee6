-- Envoy's RBAC filters: who may do what. See access/policies.lua for what a filter says.
local core = require("apisix.core")
local policies = require("apisix.amesh.access.policies")

local ngx = ngx
local require = require

local _M = {}

local FORBIDDEN, WORDS = 403, "RBAC: access denied"
local OF_REQUESTS, OF_CONNECTIONS = "envoy.filters.http.rbac", "envoy.filters.network.rbac"

-- loaded when it is asked for: the stream side has no requests
local request_view


local function reason(filter, policy, why)
    return "filter " .. filter.name .. ": " .. (policy and "policy \"" .. policy .. "\" " .. why or why)
end


-- What rules come to that decide nothing is for filters after this one. all: metadata by namespace, or nil.
local function with_outcome(all, namespace, shadow, view, ctx)
    local allowed, policy = policies.decide(shadow, view, ctx)
    local prefix = shadow.prefix or ""
    all = all or {}
    local own = all[namespace] or {}
    own[prefix .. "shadow_effective_policy_id"] = policy
    own[prefix .. "shadow_engine_result"] = allowed and "allowed" or "denied"
    all[namespace] = own
    return all
end


-- HTTP: asked for each request, see http_filters.lua.
function _M.run(filter, ctx, override)
    request_view = request_view or require("apisix.amesh.access.request_view")
    local conf = override or filter
    if conf.shadow then
        ctx.amesh_metadata = with_outcome(ctx.amesh_metadata, OF_REQUESTS, conf.shadow, request_view, ctx)
    end

    local allowed, policy, why = policies.decide(conf, request_view, ctx)
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
    if filter.shadow then
        ctx.amesh_connection_metadata =
            with_outcome(ctx.amesh_connection_metadata, OF_CONNECTIONS, filter.shadow, view, ctx)
    end

    local allowed, policy, why = policies.decide(filter, view, ctx)
    if allowed then
        return true
    end
    return false, reason(filter, policy, why)
end


return _M
