-- What a route of the mesh means beyond APISIX's own objects and plugins: see plugins.amesh in docs/translation.md.
--
-- Phases: access decides (fault, CORS, direct answer, redirect, cluster, headers); before_proxy goes to the named
-- location for the request's tries; the balancer phase runs through attempts.run; the filters shape the answer.
local core = require("apisix.core")
local admission = require("apisix.amesh.admission")
local attempts = require("apisix.amesh.attempts")
local authority = require("apisix.amesh.authority")
local circuit = require("apisix.amesh.circuit")
local cluster = require("apisix.amesh.cluster")
local control = require("apisix.amesh.control")
local cors = require("apisix.amesh.cors")
local deadlines = require("apisix.amesh.deadlines")
local fault = require("apisix.amesh.fault")
local forwarded = require("apisix.amesh.forwarded")
local hash = require("apisix.amesh.hash")
local headers = require("apisix.amesh.headers")
local header_ops = require("apisix.amesh.header_ops")
local http2 = require("apisix.amesh.http2")
local http_filters = require("apisix.amesh.http_filters")
local internal = require("apisix.amesh.internal")
local late_ends = require("apisix.amesh.late_ends")
local listeners = require("apisix.amesh.listeners")
local local_reply = require("apisix.amesh.local_reply")
local metrics = require("apisix.amesh.metrics")
local mirror = require("apisix.amesh.mirror")
local proxy = require("apisix.amesh.proxy")
local ready_upstreams = require("apisix.amesh.ready_upstreams")
local redirect = require("apisix.amesh.redirect")
local request_body = require("apisix.amesh.request_body")
local request_id = require("apisix.amesh.request_id")
local request_target = require("apisix.amesh.request_target")
local retry_policy = require("apisix.amesh.retry_policy")
local rewrite = require("apisix.amesh.rewrite")
local upgrade = require("apisix.amesh.upgrade")
local upstream_connection = require("apisix.amesh.upstream_connection")
local upstream_tls = require("apisix.amesh.upstream_tls")
require("apisix.amesh.peer_variables")

local ngx = ngx
local error = error
local require = require
local type = type


-- for requests that come to the plugin by a route of the user's own
local NO_CHAIN = {}
-- what a copy of a request says of the client is what the request said
local OF_A_COPY = { forward_client_cert = "always_forward_only" }

-- Envoy's filters that are parts of this plugin, and the order of those whose own is not told
local ORDER = { "fault", "cors" }
local PARTS = {
    fault = function(ctx, conf)
        if conf.fault then
            fault.inject(ctx, conf.fault)
        end
    end,
    cors = function(ctx, conf)
        if conf.cors then
            cors.request(ctx, conf.cors)
        end
    end,
}

-- nginx's own status for "no answer"
local CLOSE = 444

local STATE, STATE_FIELDS = "amesh_state", 32

local _M = {
    version = 0.1,
    -- last of all: before_proxy leaves for another location
    priority = -3500,
    name = "amesh",
    schema = { type = "object" },
}


function _M.check_schema(conf)
    return core.schema.check(_M.schema, conf)
end


-- The retries of a request go through apisix.balancer.run; wrap it once.
local function wrap_balancer()
    local balancer = require("apisix.balancer")
    if balancer.amesh_run then
        return
    end

    local original = balancer.run
    balancer.amesh_run = original
    balancer.run = function(route, ctx, plugin_funcs)
        if ctx.amesh and ctx.amesh.proxying then
            return attempts.run(original, route, ctx, plugin_funcs)
        end
        return original(route, ctx, plugin_funcs)
    end
end


function _M.init()
    wrap_balancer()
    upstream_tls.init_worker()
    upstream_connection.init_worker()
    metrics.start()
end


-- Called when plugins are loaded anew, and when the process ends: the privileged agent has no other moment to let the
-- library end than this one.
function _M.destroy()
    metrics.stop()
    if ngx.get_phase() == "exit_worker" and core.config.stop_library then
        core.config.stop_library()
    end
end


-- GET /v1/amesh/... of APISIX's control API.
function _M.control_api()
    return control.routes
end


local function forwarded_host(ctx, conf, host)
    local old = authority.of(ctx)
    if conf.append_forwarded_host and old and old ~= host then
        header_ops.request(ctx, { { op = "append", name = "x-forwarded-host", value = old } })
    end
end


local function set_host(ctx, conf, chosen)
    local wanted = (chosen and chosen.host_rewrite) or conf.host_rewrite
    local host = wanted and rewrite.host(ctx, wanted) or rewrite.absolute_host(ctx)
    if host then
        forwarded_host(ctx, conf, host)
        ctx.var.upstream_host = host
    end

    ctx.amesh.host_follows_endpoint = type(wanted) == "table" and wanted.auto
end


local function answer(ctx, conf)
    local state = ctx.amesh
    if conf.redirect then
        state.routed = true
        ngx.header["Location"] = redirect.location(ctx, conf.redirect)
        return local_reply.send(ctx, conf.redirect.status or 301)
    end

    if conf.direct_response then
        state.routed = true
        return local_reply.send(ctx, conf.direct_response.status, conf.direct_response.body)
    end
end


-- What Amesh's router does before it looks for a route, where one of APISIX's has found it.
local function follow_stock_router(ctx)
    local chain = listeners.chain(ctx)
    if chain and ctx.amesh_admitted == nil and not admission.admits(ctx, chain) then
        return ngx.exit(CLOSE)
    end

    local http = chain and chain.http
    if http then
        forwarded.request(ctx, http)
        ctx.amesh_bind_source = http.bind_source
    end
end


-- Plugins before this one may have changed what the router has read.
local function forget_headers(ctx)
    local plugins = ctx.plugins
    if not plugins or #plugins > 2 or ctx.global_rules then
        headers.forget(ctx)
    end
end


function _M.access(conf, ctx)
    -- from a pool, as APISIX has its own context of a request, and given back with it
    ctx.amesh = core.tablepool.fetch(STATE, 0, STATE_FIELDS)
    ctx.amesh.conf = conf
    forget_headers(ctx)
    if conf.copy_to then
        forwarded.request(ctx, OF_A_COPY)
        ctx.amesh.cluster_name = cluster.use_chosen(ctx, conf.copy_to).name
        return
    end

    follow_stock_router(ctx)
    internal.sanitize(ctx, conf.internal_only)
    request_id.request(ctx, listeners.of(ctx) or NO_CHAIN)
    upgrade.check(ctx, conf)

    local http = listeners.of(ctx)
    if http and http.filters then
        http_filters.go_on(ctx, http.filters, conf, PARTS, ORDER)
    else
        PARTS.fault(ctx, conf)
        PARTS.cors(ctx, conf)
    end
    answer(ctx, conf)

    local chosen = conf.clusters and cluster.choose(conf.clusters)
    ctx.amesh.cluster = chosen
    local upstream = cluster.use(ctx, chosen or conf, ctx.matched_route.value.upstream_id)
    ctx.amesh.cluster_name = upstream.name

    -- only balancers that work on it ask for it, and may give the client a cookie
    if conf.hash and upstream.type == "amesh_hash" then
        ctx.amesh_hash = hash.key(ctx, conf.hash)
    end
    if chosen and chosen.request_headers then
        header_ops.request(ctx, chosen.request_headers)
    end
    if conf.request_headers then
        header_ops.request(ctx, conf.request_headers)
    end
    set_host(ctx, conf, chosen)
end


-- Also called in the balancer phase, for each try that nginx makes on its own.
function _M.before_proxy(conf, ctx)
    local state = ctx.amesh
    if not state or state.proxying or ngx.get_phase() ~= "access" then
        return
    end

    ready_upstreams.remember(ctx)
    local server = ctx.picked_server
    if state.host_follows_endpoint and server and server.domain then
        ctx.var.upstream_host = server.domain
    end

    local target = rewrite.target(ctx, (state.cluster and state.cluster.rewrite) or conf.rewrite)
    local to_http2 = http2.is_for(ctx)
    local policy, mirrors = retry_policy.of(ctx, conf.retry), mirror.draw(conf.mirrors)
    local body_is_there, kept = request_body.settle(ctx, conf, mirrors ~= nil or retry_policy.needs_body(policy))
    state.streaming, state.kept = not body_is_there, kept
    if mirrors and body_is_there then
        mirror.request(ctx, mirrors, target)
    elseif kept then
        state.to_copy = mirrors and { mirrors = mirrors, target = target }
    end

    upstream_tls.prepare(ctx, ctx.upstream_conf)
    upgrade.forward(ctx)
    if to_http2 then
        http2.prepare(ctx, target)
    else
        ctx.var.upstream_uri = target
    end

    attempts.begin(ctx, conf, policy)
    circuit.enter(ctx, ctx.balancer_server or ctx.balancer_ip .. ":" .. ctx.balancer_port)
    return proxy.enter(ctx)
end


local function add_set_cookie(cookie)
    local old = ngx.header["Set-Cookie"]
    if not old then
        ngx.header["Set-Cookie"] = cookie
    elseif type(old) == "table" then
        old[#old + 1] = cookie
        ngx.header["Set-Cookie"] = old
    else
        ngx.header["Set-Cookie"] = { old, cookie }
    end
end


-- An answer has begun: it must be complete in time.
local function watch(state)
    if state.deadline and not state.watched then
        deadlines.prepare(state)
        deadlines.watch(state)
    end
end


-- False where the answer is taken back for another try.
local function shape_response(conf, ctx, state)
    local answered = attempts.has_answer(ctx)
    if answered and not state.replied and attempts.take_back(ctx) then
        return false
    end

    local status, body, grpc_status = attempts.outcome(ctx, answered)
    if status and not state.replied then
        state.body = local_reply.shape(ctx, status, body, grpc_status)
    elseif not state.replied then
        state.answered = answered
        watch(state)
    end

    request_id.response(ctx, listeners.of(ctx) or NO_CHAIN)
    if conf.cors then
        cors.response(ctx, conf.cors)
    end
    if status or (state.replied and not state.routed) then
        return
    end

    -- Envoy makes the hash, and the cookie, anew for each try
    for _ = 1, state.set_cookie and state.attempt or 0 do
        add_set_cookie(state.set_cookie)
    end
    if state.cluster and state.cluster.response_headers then
        header_ops.response(ctx, state.cluster.response_headers)
    end
    if conf.attempt_count_in_response and state.attempt then
        ngx.header["x-envoy-attempt-count"] = state.attempt
    end
    if conf.response_headers then
        header_ops.response(ctx, conf.response_headers)
    end
end


function _M.header_filter(conf, ctx)
    local state = ctx.amesh
    -- filters that let the request through may have something to add to whatever answers it
    if state and shape_response(conf, ctx, state) ~= false and ctx.amesh_response_headers then
        header_ops.response(ctx, ctx.amesh_response_headers)
    end
end


function _M.body_filter(_, ctx)
    local state = ctx.amesh
    if not state then
        return
    end

    if state.body then
        ngx.arg[1] = state.body
        ngx.arg[2] = true
        state.body = ""
    elseif state.cut or (state.deadline and not state.replied and not ngx.arg[2] and attempts.is_overdue(ctx)) then
        error("the route's timeout is over, the response is cut")
    end
end


-- Copies of a request whose body has been sent on while it came.
local function copy_late(ctx, copy)
    local body = copy and (copy.body or request_body.kept(ctx))
    if body then
        mirror.request(ctx, copy.mirrors, copy.target, body)
    end
end


function _M.log(_, ctx)
    if ctx.amesh then
        deadlines.forget(ctx.amesh)
        late_ends.forget(ctx.amesh)
        copy_late(ctx, ctx.amesh.to_copy)
    end
    if ctx.amesh and ctx.amesh.request_target then
        request_target.restore(ctx)
    end
    circuit.leave(ctx)
    fault.forget(ctx)
    proxy.forget(ctx)
    if ctx.amesh then
        core.tablepool.release(STATE, ctx.amesh)
        ctx.amesh = nil
    end
end


return _M
