-- x-request-id, as Envoy's connection manager keeps or makes it: a UUID for a request that has none, and for one from
-- outside in any case, unless the listener believes what comes from there.
local headers = require("apisix.amesh.headers")
local internal = require("apisix.amesh.internal")

local ngx = ngx
local md5 = ngx.md5
local ngx_now = ngx.now
local format = string.format
local random = math.random
local sub = string.sub
local worker_pid = ngx.worker.pid
local pid

local _M = {}

local NAME = "x-request-id"
local NONE, PRESERVE = "none", "preserve"
local VARIANTS = { "8", "9", "a", "b" }
local count = 0


-- version 4
local function new_id()
    count = count + 1
    pid = pid or worker_pid()
    local text = md5(pid .. "#" .. count .. "#" .. ngx_now() .. "#" .. random())
    return format("%s-%s-4%s-%s%s-%s", sub(text, 1, 8), sub(text, 9, 12), sub(text, 13, 15), VARIANTS[random(4)],
                  sub(text, 16, 18), sub(text, 19, 30))
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
