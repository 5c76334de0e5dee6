-- The tries of one request: how many, how long each, after which failure there is another, and what is answered when
-- all fail. State is ctx.amesh, owned by the request.
--
-- Three ways lead to another try. An answer that nginx takes back for its status, or that is taken back for its headers
-- (`take_back`), makes it leave for the named location again. A try that brings no response makes it ask the balancer
-- (`run`, which wraps apisix.balancer.run), which leaves for the location, too, where nginx lets it. In the location
-- there is time for a back-off (`come_back`). Where the balancer cannot leave, and after `take_back`, there is none.
local core = require("apisix.core")
local ngx_balancer = require("ngx.balancer")
local circuit = require("apisix.amesh.circuit")
local deadlines = require("apisix.amesh.deadlines")
local headers = require("apisix.amesh.headers")
local internal = require("apisix.amesh.internal")
local late_ends = require("apisix.amesh.late_ends")
local local_reply = require("apisix.amesh.local_reply")
local other_hosts = require("apisix.amesh.other_hosts")
local outlier = require("apisix.amesh.outlier")
local request_body = require("apisix.amesh.request_body")
local retry_policy = require("apisix.amesh.retry_policy")
local time_limits = require("apisix.amesh.time_limits")
local try_times = require("apisix.amesh.try_times")
local upstream_connection = require("apisix.amesh.upstream_connection")
local upstream_tls = require("apisix.amesh.upstream_tls")

local ngx = ngx
local ngx_now = ngx.now
local ngx_var = ngx.var
local gsub = string.gsub
local max = math.max
local min = math.min
local pcall = pcall
local require = require

local _M = {}

local CONNECT_TIMEOUT = 10
local FOREVER = 86400
-- nginx counts milliseconds; 0 would mean "the default"
local SHORTEST = 0.001
-- a timer of nginx's may end this much early
local EARLY = 0.003
-- an internal redirect of nginx is spent on each return to the location, and it allows ten
local MAX_RETURNS = 8
-- no answer at all, but the sign for nginx to go to the location again; see amesh-proxy.conf
local TRY_AGAIN = 598

local CONNECT_FAILURE = "upstream connect error or disconnect/reset before headers. reset reason: connection failure"
local RESET = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"

-- values of $amesh_retry with which the header filter decides; with `late` nginx also comes back without an answer
local BY_LUA = { lua = true, late = true }

-- sent again for nothing: nginx found a kept connection closed by the other end
local FREE_AGAIN = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }

-- A status from the balancer phase ends the request's run only in APISIX's own runtime; elsewhere it is an error.
local BALANCER_MAY_LEAVE = pcall(require, "resty.apisix.client")


-- To be called when the request is about to be proxied. policy: of its retries.
function _M.begin(ctx, conf, policy)
    local state = ctx.amesh
    state.attempt = 1
    state.returns = 0
    state.limits = time_limits.of(ctx, conf)
    state.deadline = state.limits.deadline
    state.policy = policy
    state.left = state.policy and state.policy.num or 0
    state.counted = conf.attempt_count
    internal.take_out(ctx)
    _M.count(ctx)
end


function _M.count(ctx)
    if ctx.amesh.counted then
        headers.set(ctx, "x-envoy-attempt-count", ctx.amesh.attempt)
    end
end


-- A request whose body goes on while it comes can be sent again only when that has come to its end and is kept.
local function may_return(state)
    return state.left > 0 and state.returns < MAX_RETURNS and (not state.streaming or state.kept ~= nil)
end


-- May the balancer leave for the location? nginx has to know the way, and to send the body anew.
local function may_leave(state)
    return may_return(state) and not state.streaming and (state.taken_back or "") ~= ""
end


-- What nginx is to give back after the next try, as $amesh_retry names it.
function _M.taken_back(ctx)
    local state = ctx.amesh
    if not may_return(state) then
        return ""
    end

    if state.streaming and state.policy.reset and (state.http2 or state.policy.statuses[502]) then
        return "late"
    end
    if state.http2 or state.streaming then
        return "lua"
    end
    return state.policy.taken_back or "lua"
end


local function overdue(state)
    return state.deadline ~= nil and ngx_now() >= state.deadline - EARLY
end


local function set_timeouts(ctx)
    local state = ctx.amesh
    local conf = ctx.upstream_conf.timeout or {}
    local limit = min(time_limits.left(state.limits), state.limits.per_try or FOREVER, FOREVER)
    local connect = max(min(conf.connect or CONNECT_TIMEOUT, limit), SHORTEST)
    local send = max(min(conf.send or FOREVER, limit), SHORTEST)
    local read = max(min(state.limits.idle or conf.read or FOREVER, limit), SHORTEST)
    local ok, err = ngx_balancer.set_timeouts(connect, send, read)
    if not ok then
        core.log.error("could not set upstream timeouts: ", err)
    end
end


-- connected: did the last try reach its endpoint? too_slow: did nginx give it up for its time?
local function fail(ctx, connected, too_slow)
    local state = ctx.amesh
    if overdue(state) or (connected and too_slow) then
        state.failure = { 504, state.limits.words, state.limits.grpc_status }
    elseif connected then
        state.failure = { 503, RESET }
    else
        state.failure = { 503, CONNECT_FAILURE }
    end
end


local function give_up(ctx)
    local failure = ctx.amesh.failure
    return local_reply.send(ctx, failure[1], failure[2], failure[3])
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


-- May there be another try after one that brought no response? Second value: a try that does not count, at once.
local function may_try_again(ctx)
    local state = ctx.amesh
    local policy = state.policy
    local connected, connect_time = try_times.last_connected()
    local _, status = ngx_balancer.get_last_failure()
    local too_slow = status == 504
    if not overdue(state) then
        local wanted = policy and (connected and policy.reset or (not connected and policy.connect_failure))
        if wanted and state.left > 0 and circuit.may_retry(ctx) then
            return true
        end

        if not wanted and connected and not too_slow and connect_time == "0.000" and not state.sent_again
            and FREE_AGAIN[ngx.req.get_method()]
        then
            state.sent_again = true
            return true, true
        end
    end

    fail(ctx, connected, too_slow)
    return false
end


local function begin_next_try(state)
    state.left = state.left - 1
    state.attempt = state.attempt + 1
end


-- apisix.balancer.run for requests of the mesh; `original` is APISIX's own.
function _M.run(original, route, ctx, plugin_funcs)
    local state = ctx.amesh
    local first = ctx.picked_server ~= nil
    if not first then
        local again, for_nothing = upstream_tls.is_to_be_made_again(ctx), true
        if again then
            state.host = nil
        else
            report(ctx)
            again, for_nothing = may_try_again(ctx)
        end
        if not again then
            return ngx.exit(state.failure[1])
        end
        if not for_nothing and BALANCER_MAY_LEAVE and may_leave(state) then
            state.returning = true
            return ngx.exit(TRY_AGAIN)
        end

        if not for_nothing then
            begin_next_try(state)
        end
        other_hosts.prepare(ctx)
        _M.count(ctx)
    end

    if first then
        late_ends.follow(ctx)
    end

    upstream_connection.around_try(ctx, original, route, ctx, plugin_funcs)
    state.host = ctx.balancer_server or ctx.balancer_ip .. ":" .. ctx.balancer_port
    state.last_host = state.host

    if first then
        local again = state.policy and (state.policy.connect_failure or state.policy.reset)
        ngx_balancer.set_more_tries((again and state.left or 0) + upstream_tls.spare_tries(ctx))
    end
    set_timeouts(ctx)
end


local function response_header(name)
    return ngx.header[name]
end


-- Header filter: is the answer that came from an endpoint given up for another try? Then nothing of it may be touched
-- any more.
function _M.take_back(ctx)
    local state = ctx.amesh
    if not BY_LUA[state.taken_back] or not may_return(state) then
        return false
    end

    local status = ngx.status
    if overdue(state) or not retry_policy.wants(state.policy, ctx, status, response_header) then
        return false
    end

    state.body_again = state.streaming and request_body.kept(ctx) or nil
    if (state.streaming and not state.body_again) or not circuit.may_retry(ctx) then
        return false
    end

    report(ctx, status)
    -- nginx goes on in the location before it lets go of this answer: there must be no wait in between
    state.pause = 0
    state.returning = true
    ngx.exit(TRY_AGAIN)
    return true
end


-- Header of an answer that nginx has taken back.
local function taken_header(name)
    return ngx_var["upstream_http_" .. gsub(name, "-", "_")]
end


-- Of a request that was sent on while it came, and broke after it had ended: nginx would not try again by itself.
local function is_reset(state)
    return state.body_again and state.left > 0 and not time_limits.is_over(state.limits)
           and (try_times.last_connected())
end


-- Decides about an answer, or a failure, that nginx came back with.
local function judge(ctx)
    local state = ctx.amesh
    local status = try_times.last_status()
    if not status then
        return local_reply.send(ctx, 500)
    end

    local answered = try_times.last_answered()
    report(ctx, answered and status or nil)
    state.body_again = state.streaming and request_body.kept(ctx) or nil
    if not answered and is_reset(state) and circuit.may_retry(ctx) then
        return
    end
    if not answered then
        if not state.failure then
            fail(ctx, (try_times.last_connected()), status == 504)
        end
        return give_up(ctx)
    end

    if state.left <= 0 or (state.streaming and not state.body_again)
        or not retry_policy.wants(state.policy, ctx, status, taken_header)
        or not circuit.may_retry(ctx)
    then
        return local_reply.send(ctx, status)
    end
    state.pause = retry_policy.back_off(state.policy, state.attempt, taken_header)
end


local function wait(state)
    local pause = state.pause or retry_policy.back_off(state.policy, state.attempt)
    state.pause = nil
    pause = min(pause, time_limits.left(state.limits))
    if pause >= SHORTEST then
        ngx.sleep(pause)
    end
end


-- From here on the body is there.
local function send_body_again(state)
    ngx.req.set_body_data(state.body_again)
    if state.to_copy then
        state.to_copy.body = state.body_again
    end
    state.body_again, state.kept, state.streaming = nil, nil, false
    late_ends.has_ended(state)
    time_limits.try_again(state.limits)
    state.deadline = state.limits.deadline
    deadlines.forget(state)
end


-- Access phase of a named location that nginx came back to. Returns when there is another try; its server is in
-- ctx.picked_server.
function _M.come_back(ctx)
    local state = ctx.amesh
    if not state.returning then
        judge(ctx)
    end

    if state.body_again then
        send_body_again(state)
    end
    state.returning = false
    state.returns = state.returns + 1
    wait(state)
    if overdue(state) then
        fail(ctx, true, true)
        return give_up(ctx)
    end

    begin_next_try(state)
    local server, err = other_hosts.pick(ctx)
    if not server then
        core.log.error("failed to pick server: ", err)
        return local_reply.send(ctx, 503, "no healthy upstream")
    end

    ctx.picked_server = server
    _M.count(ctx)
end


-- Header filter: is it an endpoint's answer?
function _M.has_answer(ctx)
    return ctx.amesh.proxying and try_times.last_answered()
end


-- Header filter: status, body and gRPC status to answer with when no endpoint answered; nil when one did, or none was
-- asked.
function _M.outcome(ctx, answered)
    local state = ctx.amesh
    if answered then
        report(ctx, ngx.status)
        return nil
    end

    local status = state.proxying and try_times.last_status()
    if not status then
        return nil
    end

    report(ctx)
    if not state.failure then
        fail(ctx, (try_times.last_connected()), status == 504)
    end

    return state.failure[1], state.failure[2], state.failure[3]
end


-- Body filter: is the time for the whole answer over?
function _M.is_overdue(ctx)
    return overdue(ctx.amesh)
end


return _M
