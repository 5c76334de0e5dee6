-- Envoy's circuit breakers: how many requests a cluster gets at a time, from all workers together. What is too many is
-- answered with 503 and x-envoy-overloaded. A cluster without limits costs one look into a table.
--
-- A request of HTTP/1.1 is a connection of its own; one that has to wait for a connection is pending. As in Envoy, an
-- endpoint without any connection gets one whatever the limit says. For TCP see stream/circuit.lua.
local circuit_limits = require("apisix.amesh.circuit_limits")
local counts = require("apisix.amesh.worker_counts")
local local_reply = require("apisix.amesh.local_reply")
local semaphore = require("ngx.semaphore")

local ngx = ngx
local floor = math.floor
local max = math.max
local min = math.min
local pairs = pairs
local random = math.random
local setmetatable = setmetatable

local _M = {}
-- scope -> what requests of this process wait on for a connection
local waiting = setmetatable({}, { __mode = "v" })

local OVERFLOW = "upstream connect error or disconnect/reset before headers. reset reason: overflow"
local DROPPED = "drop overload"
-- seconds after which another process may have let go of a connection
local LOOK_AGAIN = 0.01
local MILLION = 1000000
local BUDGET = 20
local MIN_RETRIES = 3


local function hold(held, name)
    held[name] = (held[name] or 0) + 1
end


local function take(held, name, limit)
    if not counts.take(name, limit) then
        return false
    end
    hold(held, name)
    return true
end


local function take_connection(held, limits, host)
    local all, here = limits.scope .. "#connections", limits.scope .. "#host#" .. host
    if counts.add(here, 1) == 1 then
        counts.add(all, 1)
        hold(held, all)
        hold(held, here)
        return true
    end

    if take(held, all, limits.max_connections) then
        hold(held, here)
        return true
    end
    counts.add(here, -1)
    return false
end


-- True with a connection, false when too many wait already, nil when it took too long.
local function wait_for_connection(held, limits, host, deadline)
    if take_connection(held, limits, host) then
        return true
    end

    local pending = limits.scope .. "#pending"
    if limits.max_pending and not counts.take(pending, limits.max_pending) then
        return false
    end

    local signal = waiting[limits.scope] or semaphore.new()
    waiting[limits.scope] = signal
    local got
    while not got and not (deadline and ngx.now() >= deadline) do
        signal:wait(LOOK_AGAIN)
        counts.sweep()
        got = take_connection(held, limits, host)
    end

    if limits.max_pending then
        counts.add(pending, -1)
    end
    return got or nil
end


local function overflow(ctx)
    _M.leave(ctx)
    ngx.header["x-envoy-overloaded"] = "true"
    return local_reply.send(ctx, 503, OVERFLOW)
end


-- Access phase, when the endpoint has been chosen and ctx.amesh.deadline is known: goes on, waits, or answers.
-- host: "address:port".
function _M.enter(ctx, host)
    local settings = circuit_limits.of(ctx.upstream_conf)
    if not settings then
        return
    end

    if settings.drop and random() * MILLION < settings.drop then
        return local_reply.send(ctx, 503, DROPPED)
    end

    local state = ctx.amesh
    local limits = settings[state.conf.priority or "default"]
    if not limits then
        return
    end

    local held = {}
    state.circuit = { limits = limits, held = held }
    -- an endpoint's first connection is pending until it is there, so without a place to wait there is never one
    if limits.max_pending == 0 then
        return overflow(ctx)
    end

    if limits.max_connections and not state.http2 then
        local got = wait_for_connection(held, limits, host, state.deadline)
        if got == nil then
            _M.leave(ctx)
            return local_reply.send(ctx, 504, "upstream request timeout")
        elseif not got then
            return overflow(ctx)
        end
    end

    local requests = limits.scope .. "#requests"
    if limits.max_requests then
        if not take(held, requests, limits.max_requests) then
            return overflow(ctx)
        end
    elseif limits.retry_budget then
        counts.add(requests, 1)
        hold(held, requests)
    end
end


local function retry_limit(limits)
    if limits.retry_budget then
        local active = counts.get(limits.scope .. "#requests")
        return max(floor(active * (limits.retry_budget or BUDGET) / 100), limits.min_retries or MIN_RETRIES)
    end
    return limits.max_retries
end


-- May there be another retry now? A request holds one at most.
function _M.may_retry(ctx)
    local circuit = ctx.amesh.circuit
    local limit = circuit and retry_limit(circuit.limits)
    if not limit then
        return true
    end

    local retries = circuit.limits.scope .. "#retries"
    if circuit.held[retries] then
        counts.add(retries, -1)
        circuit.held[retries] = nil
    end
    return take(circuit.held, retries, limit)
end


-- The request is over: what it held is free again.
function _M.leave(ctx)
    local circuit = ctx.amesh and ctx.amesh.circuit
    if not circuit then
        return
    end

    ctx.amesh.circuit = nil
    for name, count in pairs(circuit.held) do
        counts.add(name, -count)
    end

    local signal = waiting[circuit.limits.scope]
    if signal and signal:count() < 0 then
        signal:post(min(1, -signal:count()))
    end
end


return _M
