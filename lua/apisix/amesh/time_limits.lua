-- How long a request, each of its tries and the pauses in them may take, as Envoy's router and connection manager
-- count.
local headers = require("apisix.amesh.headers")
local internal = require("apisix.amesh.internal")

local ngx_now = ngx.now
local start_time = ngx.req.start_time
local max = math.max
local min = math.min
local tonumber = tonumber

local _M = {}

local UPSTREAM_TIMEOUT = "upstream request timeout"
local STREAM_TIMEOUT = "downstream duration timeout"
local DEADLINE_EXCEEDED = 4

local GRPC_UNITS = { H = 3600, M = 60, S = 1, m = 1e-3, u = 1e-6, n = 1e-9 }


-- Seconds of the header grpc-timeout; nil when there is none.
function _M.grpc_timeout(ctx)
    local value = headers.value(ctx, "grpc-timeout")
    local number, unit = (value or ""):match("^(%d%d?%d?%d?%d?%d?%d?%d?)([HMSmun])$")
    return number and tonumber(number) * GRPC_UNITS[unit]
end


-- 0 stands for "no limit", as in Envoy.
local function capped(seconds, cap)
    if cap == 0 then
        return seconds
    end
    return (seconds == 0 or seconds > cap) and cap or seconds
end


local function without_offset(seconds, offset)
    return (offset and offset < seconds) and seconds - offset or seconds
end


local function whole(ctx, conf)
    local from_client = internal.milliseconds(ctx, "x-envoy-upstream-rq-timeout-ms")
    if from_client then
        return from_client
    end

    if conf.max_grpc_timeout and headers.is_grpc(ctx) then
        local seconds = without_offset(_M.grpc_timeout(ctx) or 0, conf.grpc_timeout_offset)
        return capped(seconds, conf.max_grpc_timeout)
    end

    return conf.timeout or 0
end


-- The same for the stream as a whole, which counts from the request's first byte.
local function stream(ctx, conf)
    local limits = conf.max_stream
    if not limits then
        return 0
    end

    local asked = limits.grpc_max and _M.grpc_timeout(ctx)
    if asked then
        return without_offset(capped(asked, limits.grpc_max), limits.grpc_offset)
    end

    return limits.seconds or 0
end


local function smaller(a, b)
    return (a == 0 or (b ~= 0 and b < a)) and b or a
end


-- Those that count from the request's end. A connection that switches protocols has none. Where a request has not ended
-- yet, that of a try is one of the request as a whole, until there is another try.
local function from_complete_request(ctx, conf, limits)
    if ctx.amesh.upgrade then
        return
    end

    local seconds = whole(ctx, conf)
    local per_try = internal.milliseconds(ctx, "x-envoy-upstream-rq-per-try-timeout-ms")
                    or conf.retry and conf.retry.per_try_timeout or 0
    if seconds == 0 and per_try == 0 then
        return
    end

    if ctx.amesh.streaming then
        limits.after_end, limits.whole, limits.later_per_try = smaller(seconds, per_try), seconds, per_try
        return
    end
    limits.deadline = seconds > 0 and ngx_now() + seconds or nil
    limits.per_try = per_try > 0 and per_try or nil
end


-- To be called when a request has ended that began to be sent before.
function _M.request_ends(limits)
    local now = ngx_now()
    local deadline = now + limits.after_end
    limits.after_end = nil
    limits.whole_deadline = limits.whole > 0 and now + limits.whole or nil
    if deadline < (limits.deadline or math.huge) then
        limits.deadline, limits.words, limits.grpc_status = deadline, UPSTREAM_TIMEOUT, nil
    end
end


-- The same request is sent once more, now that it is whole.
function _M.try_again(limits)
    if limits.whole and limits.words == UPSTREAM_TIMEOUT then
        limits.deadline = limits.whole_deadline
        limits.per_try = limits.later_per_try > 0 and limits.later_per_try or nil
    end
end


-- Is the time over for the whole of a request that was sent on before it had ended, all tries included?
function _M.is_over(limits)
    local deadline = limits.deadline
    if limits.whole and limits.words == UPSTREAM_TIMEOUT then
        deadline = limits.whole_deadline
    end
    return deadline ~= nil and ngx_now() >= deadline
end


-- deadline: when the answer must be complete, nil for never; words, grpc_status: of the answer when it is not.
-- per_try, idle: seconds. after_end: seconds from the end of a request that has not ended; then there is no per_try.
function _M.of(ctx, conf)
    local limits = { idle = conf.idle_timeout, words = UPSTREAM_TIMEOUT }
    from_complete_request(ctx, conf, limits)

    local seconds = stream(ctx, conf)
    local stream_deadline = seconds > 0 and start_time() + seconds or math.huge
    if stream_deadline < (limits.deadline or math.huge) then
        limits.deadline, limits.words, limits.grpc_status = stream_deadline, STREAM_TIMEOUT, DEADLINE_EXCEEDED
    end

    local retry = conf.retry
    if retry and retry.per_try_idle_timeout then
        limits.idle = min(limits.idle or math.huge, retry.per_try_idle_timeout)
    end
    return limits
end


-- Seconds left; never negative.
function _M.left(limits)
    return limits.deadline and max(limits.deadline - ngx_now(), 0) or math.huge
end


return _M
