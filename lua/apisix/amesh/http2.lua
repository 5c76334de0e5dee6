-- Requests to endpoints that speak HTTP/2: nginx's gRPC module carries them, whether they are gRPC or not.
local headers = require("apisix.amesh.headers")

local ngx = ngx
local ngx_var = ngx.var
local req = ngx.req
local find = string.find
local sub = string.sub
local unescape_uri = ngx.unescape_uri

local _M = {}

local SCHEMES = { http = "grpc", grpc = "grpc", https = "grpcs", grpcs = "grpcs" }
-- values of the label: always, or when the request came so itself
local ALWAYS, AS_IT_CAME = "true", "downstream"


-- Also tells the balancer, which keeps connections apart by scheme.
function _M.is_for(ctx)
    local conf = ctx.upstream_conf
    local wanted = conf.labels and conf.labels.amesh_http2
    if wanted == ALWAYS or conf.scheme == "grpc" or conf.scheme == "grpcs"
        or (wanted == AS_IT_CAME and ngx_var.server_protocol == "HTTP/2.0")
    then
        ctx.upstream_scheme = SCHEMES[ctx.upstream_scheme] or ctx.upstream_scheme
        return ctx.upstream_scheme == "grpc" or ctx.upstream_scheme == "grpcs"
    end

    return false
end


-- nginx writes the path itself, from the request line or, once it has been changed, from its decoded form.
local function set_target(target)
    if target == ngx_var.request_uri then
        return
    end

    local mark = find(target, "?", 1, true)
    req.set_uri(unescape_uri(sub(target, 1, (mark or 0) - 1):gsub("%+", "%%2B")), false)
    req.set_uri_args(mark and sub(target, mark + 1) or "")
end


-- target: path and query. A gRPC body goes on while it comes, so such a request can only be sent once; any other is
-- taken in first, as towards HTTP/1.1.
function _M.prepare(ctx, target)
    local state = ctx.amesh
    state.http2 = true
    ctx.var.upstream_scheme = ctx.upstream_scheme
    set_target(target)

    if headers.is_grpc(ctx) and not headers.value(ctx, "content-length") then
        state.streaming = true
    else
        req.read_body()
    end
end


return _M
