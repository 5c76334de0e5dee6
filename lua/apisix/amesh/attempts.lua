-- The tries of one request: how many, how long each, after which failure there is another, and what is answered when
-- all fail. State is ctx.amesh, owned by the request.
--
-- Two ways lead to another try. A try that brings no response makes nginx ask the balancer again (`run`, which wraps
-- apisix.balancer.run). A response whose status is to be retried makes nginx leave for the named location it is in
-- (`after_answer`), where there is time for a back-off. Both draw on the same number of tries.
local core = require("apisix.core")
local ngx_balancer = require("ngx.balancer")
local headers = require("apisix.amesh.headers")
local local_reply = require("apisix.amesh.local_reply")
local outlier = require("apisix.amesh.outlier")
local retry_policy = require("apisix.amesh.retry_policy")
local try_times = require("apisix.amesh.try_times")

local ngx = ngx
local ngx_now = ngx.now
local max = math.max
local min = math.min
local set_header = ngx.req.set_header

local _M = {}

local CONNECT_TIMEOUT = 10
local FOREVER = 86400
-- nginx counts milliseconds; 0 would mean "the default"
local SHORTEST = 0.001
-- a timer of nginx's may end this much early
local EARLY = 0.003
-- an internal redirect of nginx is spent on each retry by status, and it allows ten
local MAX_STATUS_RETRIES = 8

local CONNECT_FAILURE = "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
local RESET = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
local TIMEOUT = "upstream request timeout"

-- sent again for nothing: nginx found a kept connection closed by the other end
local FREE_AGAIN = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }


-- To be called when the request is about to be proxied.
function _M.begin(ctx, conf)
    local state = ctx.amesh
    state.attempt = 1
    state.status_retries = 0
    state.policy = conf.retry and retry_policy.of(conf.retry) or nil
    state.left = state.policy and state.policy.num or 0
    state.idle_timeout = conf.idle_timeout
    state.deadline = conf.timeout and ngx_now() + conf.timeout or nil
    state.counted = conf.attempt_count
    _M.count(ctx)
end


function _M.count(ctx)
    if ctx.amesh.counted then
        set_header("x-envoy-attempt-count", ctx.amesh.attempt)
        headers.forget(ctx)
    end
end


-- The statuses that nginx is to give back after the next try, as $amesh_retry names them.
function _M.taken_back(ctx)
    local state = ctx.amesh
    if state.left > 0 and state.policy.taken_back and state.status_retries < MAX_STATUS_RETRIES then
        return state.policy.taken_back
    end

    return ""
end


local function overdue(state)
    return state.deadline ~= nil and ngx_now() >= state.deadline - EARLY
end


local function set_timeouts(ctx)
    local state = ctx.amesh
    local conf = ctx.upstream_conf.timeout or {}
    local limit = FOREVER
    if state.deadline then
        -- ngx.now is the cached time of the event loop
        limit = state.deadline - ngx_now()
    end
    if state.policy and state.policy.per_try_timeout then
        limit = min(limit, state.policy.per_try_timeout)
    end

    local connect = max(min(conf.connect or CONNECT_TIMEOUT, limit), SHORTEST)
    local send = max(min(conf.send or FOREVER, limit), SHORTEST)
    local read = max(min(state.idle_timeout or conf.read or FOREVER, limit), SHORTEST)
    local ok, err = ngx_balancer.set_timeouts(connect, send, read)
    if not ok then
        core.log.error("could not set upstream timeouts: ", err)
    end
end


-- connected: did the last try reach its endpoint? too_slow: did nginx give it up for its time?
local function fail(ctx, connected, too_slow)
    local state = ctx.amesh
    if overdue(state) or (connected and too_slow) then
        state.failure = { 504, TIMEOUT }
    elseif connected then
        state.failure = { 503, RESET }
    else
        state.failure = { 503, CONNECT_FAILURE }
    end
end


-- Tells outlier detection what came of the last try, once. status: of the endpoint's answer; nil when there was none.
local function report(ctx, status)
    local state = ctx.amesh
    local host = state.host
    state.host = nil
    if host and status then
        outlier.answered(ctx.upstream_conf, host, status)
    elseif host then
        outlier.failed(ctx.upstream_conf, host)
    end
end


-- May there be another try after one that brought no response?
local function may_try_again(ctx)
    local state = ctx.amesh
    local policy = state.policy
    local connected, connect_time = try_times.last_connected()
    local _, status = ngx_balancer.get_last_failure()
    local too_slow = status == 504
    if not overdue(state) then
        local wanted = policy and (connected and policy.reset or (not connected and policy.connect_failure))
        if wanted and state.left > 0 then
            state.left = state.left - 1
            state.attempt = state.attempt + 1
            return true
        end

        if not wanted and connected and not too_slow and connect_time == "0.000" and not state.sent_again
            and FREE_AGAIN[ngx.req.get_method()]
        then
            state.sent_again = true
            return true
        end
    end

    fail(ctx, connected, too_slow)
    return false
end


local function forget_tried_hosts(ctx, picker)
    if picker.before_retry_next_priority then
        picker.before_retry_next_priority(ctx)
    elseif ctx.balancer_tried_servers then
        core.tablepool.release("balancer_tried_servers", ctx.balancer_tried_servers)
        ctx.balancer_tried_servers = nil
    end

    ctx.balancer_tried_servers_count = 0
    ctx.priority_balancer_picker_idx = nil
    outlier.avoid(ctx, ctx.upstream_conf)
end


-- APISIX's balancers never choose a host twice and give up when all were tried. Envoy avoids hosts that were tried
-- only if the policy says so, and when there is no other, tries one again.
local function allow_repeats(ctx)
    local inner = ctx.server_picker
    if not inner or inner.amesh then
        return
    end

    local avoid = ctx.amesh.policy and ctx.amesh.policy.previous_hosts
    ctx.server_picker = {
        amesh = true,
        upstream = inner.upstream,
        addr_to_domain = inner.addr_to_domain,
        before_retry_next_priority = inner.before_retry_next_priority,
        after_balance = inner.after_balance,
        get = function(request_ctx)
            if not avoid then
                forget_tried_hosts(request_ctx, inner)
            end

            local server, err = inner.get(request_ctx)
            if server then
                return server
            end

            forget_tried_hosts(request_ctx, inner)
            server = inner.get(request_ctx)
            return server, err
        end,
    }
end


-- apisix.balancer.run for requests of the mesh; `original` is APISIX's own.
function _M.run(original, route, ctx, plugin_funcs)
    local state = ctx.amesh
    local first = ctx.picked_server ~= nil
    if not first then
        report(ctx)
        if not may_try_again(ctx) then
            return ngx.exit(state.failure[1])
        end
        allow_repeats(ctx)
        _M.count(ctx)
    end

    original(route, ctx, plugin_funcs)
    state.host = ctx.balancer_server or ctx.balancer_ip .. ":" .. ctx.balancer_port

    if first then
        local again = state.policy and (state.policy.connect_failure or state.policy.reset)
        ngx_balancer.set_more_tries(again and state.left or 0)
    end
    set_timeouts(ctx)
end


local function pick_another(ctx)
    allow_repeats(ctx)

    -- reports to health checkers are for the balancer phase
    local checker = ctx.up_checker
    ctx.up_checker = nil
    local server, err = require("apisix.balancer").pick_server(ctx.matched_route, ctx)
    ctx.up_checker = checker
    return server, err
end


local function wait(ctx)
    local state = ctx.amesh
    local pause = retry_policy.back_off(state.policy, state.attempt)
    if state.deadline then
        pause = min(pause, state.deadline - ngx_now())
    end

    if pause >= SHORTEST then
        ngx.sleep(pause)
    end
end


-- Access phase of a named location that nginx came back to: with an answer that may be retried, or with none.
-- Returns when there is another try; its server is in ctx.picked_server.
function _M.after_answer(ctx)
    local state = ctx.amesh
    local status = try_times.last_status()
    if not status then
        return local_reply.send(ctx, 500)
    end

    local answered = try_times.last_answered()
    report(ctx, answered and status or nil)
    if not answered then
        if not state.failure then
            fail(ctx, (try_times.last_connected()), status == 504)
        end
        return local_reply.send(ctx, state.failure[1], state.failure[2])
    end

    if overdue(state) then
        return local_reply.send(ctx, 504, TIMEOUT)
    end
    if state.left <= 0 or not state.policy.statuses[status] then
        return local_reply.send(ctx, status)
    end

    state.left = state.left - 1
    state.status_retries = state.status_retries + 1
    wait(ctx)
    if overdue(state) then
        return local_reply.send(ctx, 504, TIMEOUT)
    end

    state.attempt = state.attempt + 1
    local server, err = pick_another(ctx)
    if not server then
        core.log.error("failed to pick server: ", err)
        return local_reply.send(ctx, 503, "no healthy upstream")
    end

    ctx.picked_server = server
    _M.count(ctx)
end


-- Header filter: status and body to answer with when no endpoint answered; nil when one did.
function _M.outcome(ctx)
    local state = ctx.amesh
    local status = state.proxying and try_times.last_status()
    if not status then
        return nil
    end

    local answered = try_times.last_answered()
    report(ctx, answered and status or nil)
    if answered then
        return nil
    end

    if not state.failure then
        fail(ctx, (try_times.last_connected()), status == 504)
    end

    return state.failure[1], state.failure[2]
end


-- Body filter: is the time for the whole answer over?
function _M.is_overdue(ctx)
    return overdue(ctx.amesh)
end


return _M
