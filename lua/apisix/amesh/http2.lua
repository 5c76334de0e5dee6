-- Requests to endpoints that speak HTTP/2: nginx's gRPC module carries them, whether they are gRPC or not.
local local_reply = require("apisix.amesh.local_reply")
local request_target = require("apisix.amesh.request_target")

local ngx_var = ngx.var
local pairs = pairs
local setmetatable = setmetatable

local _M = {}
local variants = setmetatable({}, { __mode = "k" })

local SCHEMES = { http = "grpc", grpc = "grpc", https = "grpcs", grpcs = "grpcs" }
-- values of the label: always, or when the request came so itself
local ALWAYS, AS_IT_CAME = "true", "downstream"


local function is_spoken(conf)
    local wanted = conf.labels and conf.labels.amesh_http2
    return wanted == ALWAYS or (wanted == AS_IT_CAME and ngx_var.server_protocol == "HTTP/2.0")
           or conf.scheme == "grpc" or conf.scheme == "grpcs"
end


-- APISIX's balancer keeps connections apart by the upstream's scheme: one of HTTP/1.1 must not be used for HTTP/2.
local function with_scheme(conf, scheme)
    if conf.scheme == scheme then
        return conf
    end

    local variant = variants[conf]
    if not variant then
        variant = {}
        for name, value in pairs(conf) do
            variant[name] = value
        end
        variant.scheme = scheme
        variants[conf] = variant
    end
    return variant
end


function _M.is_for(ctx)
    local conf = ctx.upstream_conf
    if not is_spoken(conf) then
        return false
    end

    ctx.upstream_scheme = SCHEMES[ctx.upstream_scheme] or "grpc"
    ctx.upstream_conf = with_scheme(conf, ctx.upstream_scheme)
    return true
end


-- target: path and query.
function _M.prepare(ctx, target)
    ctx.amesh.http2 = true
    ctx.var.upstream_scheme = ctx.upstream_scheme
    if not request_target.set(ctx, target) then
        return local_reply.send(ctx, 400)
    end
end


return _M
