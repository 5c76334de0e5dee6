-- Cross-origin requests as Envoy's CORS filter answers them.
--
-- {allow_origins: [{exact|prefix|suffix|contains|regex, ignore_case}], allow_methods, allow_headers, expose_headers,
--  max_age, allow_credentials}; the lists are strings as they go into the header.
local headers = require("apisix.amesh.headers")
local local_reply = require("apisix.amesh.local_reply")
local texts = require("apisix.amesh.texts")

local ngx = ngx
local ipairs = ipairs

local _M = {}


local function allowed(origin, cors)
    for _, matcher in ipairs(cors.allow_origins or {}) do
        if matcher.exact == "*" or texts.holds(matcher, origin) then
            return true
        end
    end
    return false
end


local function set_common(origin, cors)
    local header = ngx.header
    header["access-control-allow-origin"] = origin
    if cors.allow_credentials then
        header["access-control-allow-credentials"] = "true"
    end
    if cors.expose_headers and cors.expose_headers ~= "" then
        header["access-control-expose-headers"] = cors.expose_headers
    end
end


-- Access phase: answers a preflight of an allowed origin, lets everything else through.
function _M.request(ctx, cors)
    local origin = headers.value(ctx, "origin")
    if not origin or origin == "" or not allowed(origin, cors) then
        return
    end

    ctx.amesh.cors_origin = origin
    local method = headers.value(ctx, "access-control-request-method")
    if ngx.req.get_method() ~= "OPTIONS" or not method or method == "" then
        return
    end

    local header = ngx.header
    header["access-control-allow-methods"] = cors.allow_methods
    header["access-control-allow-headers"] = cors.allow_headers
    header["access-control-max-age"] = cors.max_age
    return local_reply.send(ctx, 200)
end


-- Header filter.
function _M.response(ctx, cors)
    local origin = ctx.amesh.cors_origin
    if origin then
        set_common(origin, cors)
    end
end


return _M
