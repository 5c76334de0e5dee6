-- Envoy's RBAC filters: who may do what. See access/policies.lua for what a filter says.
local core = require("apisix.core")
local policies = require("apisix.amesh.access.policies")

local ngx = ngx
local require = require

local _M = {}

local FORBIDDEN, WORDS = 403, "RBAC: access denied"
local NAMESPACE = "envoy.filters.http.rbac"

-- loaded when it is asked for: the stream side has no requests
local request_view


local function reason(filter, policy, why)
    return "filter " .. filter.name .. ": " .. (policy and "policy \"" .. policy .. "\" " .. why or why)
end


-- What rules come to that decide nothing is for filters after this one.
local function leave_metadata(ctx, shadow)
    local allowed, policy = policies.decide(shadow, request_view, ctx)
    local prefix = shadow.prefix or ""
    ctx.amesh_metadata = ctx.amesh_metadata or {}
    local all = ctx.amesh_metadata[NAMESPACE] or {}
    all[prefix .. "shadow_effective_policy_id"] = policy
    all[prefix .. "shadow_engine_result"] = allowed and "allowed" or "denied"
    ctx.amesh_metadata[NAMESPACE] = all
end


-- HTTP: asked for each request, see http_filters.lua.
function _M.run(filter, ctx, override)
    request_view = request_view or require("apisix.amesh.access.request_view")
    local conf = override or filter
    if conf.shadow then
        leave_metadata(ctx, conf.shadow)
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
    local allowed, policy, why = policies.decide(filter, view, ctx)
    if allowed then
        return true
    end
    return false, reason(filter, policy, why)
end


return _M
