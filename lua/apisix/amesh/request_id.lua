-- x-request-id, as Envoy's connection manager keeps or makes it: a UUID for a request that has none, and for one from
-- outside in any case, unless the listener believes what comes from there.
local headers = require("apisix.amesh.headers")
local internal = require("apisix.amesh.internal")

local ngx = ngx
local format = string.format
local random = math.random

local _M = {}

local NAME = "x-request-id"
local NONE, PRESERVE = "none", "preserve"


-- version 4; APISIX seeds each worker's numbers from the kernel's
local function new_id()
    return format("%08x-%04x-4%03x-%04x-%012x", random(0, 0xffffffff), random(0, 0xffff), random(0, 0xfff),
                  random(0x8000, 0xbfff), random(0, 0xffffffffffff))
end


-- Access phase. http: what the request's filter chain says about HTTP.
function _M.request(ctx, http)
    if http.request_id == NONE then
        return
    end

    local from_outside = http.use_remote_address and not internal.is(ctx) and http.request_id ~= PRESERVE
    if from_outside or not headers.value(ctx, NAME) then
        headers.set(ctx, NAME, new_id())
    end
end


-- Header filter.
function _M.response(ctx, http)
    local id = http.request_id_in_response and headers.value(ctx, NAME)
    if id then
        ngx.header[NAME] = id
    end
end


return _M
