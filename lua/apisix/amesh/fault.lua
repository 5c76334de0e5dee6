-- Injected faults: the delay first, then the abort, each with its own chance in parts per million.
local local_reply = require("apisix.amesh.local_reply")

local random = math.random
local sleep = ngx.sleep

local _M = {}

local MILLION = 1000000
local BODY = "fault filter abort"


local function happens(ppm)
    ppm = ppm or MILLION
    return ppm >= MILLION or (ppm > 0 and random(MILLION) <= ppm)
end
_M.happens = happens


function _M.inject(ctx, fault)
    local delay = fault.delay
    if delay and happens(delay.ppm) then
        sleep(delay.seconds)
    end

    local abort = fault.abort
    if abort and happens(abort.ppm) then
        return local_reply.send(ctx, abort.grpc_status and 200 or abort.status, BODY, abort.grpc_status)
    end
end


return _M
