-- The tries of a TCP connection to reach an endpoint: as many as the route grants (Envoy: one unless it says more),
-- each at another endpoint where there is one. What fails counts for outlier detection.
--
-- APISIX's own balancer would try as many times as there are endpoints and knows no idle timeout of a route.
local core = require("apisix.core")
local bind_source = require("apisix.amesh.bind_source")
local outlier = require("apisix.amesh.outlier")
local upstream_tls = require("apisix.amesh.stream.upstream_tls")

local ngx = ngx
local require = require

local _M = {}

-- what Envoy's TCP proxy takes where it is not told
local IDLE_TIMEOUT = 3600
local CONNECT_TIMEOUT = 5
-- no timeout: nginx counts milliseconds in 32 bits
local NEVER = 1728000
local BAD_GATEWAY = "502"

local balancer


local function prepare(ctx, conf)
    ctx.amesh.left = (conf.max_connect_attempts or 1) - 1
    local more = ctx.amesh.left + upstream_tls.spare_tries(ctx)
    if more > 0 then
        balancer.set_more_tries(more)
    end

    local timeout = ctx.upstream_conf.timeout
    local idle = conf.idle_timeout or IDLE_TIMEOUT
    if idle == 0 then
        idle = NEVER
    end
    balancer.set_timeouts(timeout and timeout.connect or CONNECT_TIMEOUT, idle, idle)
end


local function note_failure(ctx)
    local host = ctx.amesh.host
    if host then
        ctx.amesh.host = nil
        outlier.failed(ctx.upstream_conf, host)
    end
end


-- After a try that failed: the endpoint of the next one; nil and why there is none.
local function next_server(pick_server, route, ctx)
    if upstream_tls.is_to_be_made_again(ctx) then
        return ctx.amesh.server
    end

    note_failure(ctx)
    -- nginx may have more tries than the route grants, for connections that are to be made again
    if ctx.amesh.left <= 0 then
        return nil, "the route grants no more tries"
    end
    ctx.amesh.left = ctx.amesh.left - 1
    return pick_server(route, ctx)
end


local function run(pick_server, route, ctx)
    local server = ctx.picked_server
    if server then
        ctx.picked_server = nil
        prepare(ctx, ctx.amesh.conf)
    else
        local err
        server, err = next_server(pick_server, route, ctx)
        if not server then
            core.log.info("no endpoint is left: ", err)
            return ngx.exit(ngx.ERROR)
        end
    end

    bind_source.use(ctx.amesh.bind_source, server.host)
    upstream_tls.before_try(ctx)
    ctx.amesh.server = server
    ctx.amesh.host = server.host .. ":" .. server.port
    local ok, err = balancer.set_current_peer(server.host, server.port)
    if not ok then
        core.log.error("failed to set the endpoint ", ctx.amesh.host, ": ", err)
        return ngx.exit(ngx.ERROR)
    end
end


-- Connections of the mesh go through here; wrap APISIX's balancer once.
function _M.start()
    local apisix_balancer = require("apisix.balancer")
    if apisix_balancer.amesh_run then
        return
    end

    balancer = require("ngx.balancer")
    local original = apisix_balancer.run
    apisix_balancer.amesh_run = original
    apisix_balancer.run = function(route, ctx, plugin_funcs)
        if ctx.amesh then
            return run(apisix_balancer.pick_server, route, ctx)
        end
        return original(route, ctx, plugin_funcs)
    end
end


-- Log phase: the last try brought a connection, or it did not.
function _M.finish(ctx)
    local state = ctx.amesh
    if not state or not state.host then
        return
    end

    if ngx.var.status == BAD_GATEWAY then
        outlier.failed(ctx.upstream_conf, state.host)
    else
        outlier.answered(ctx.upstream_conf, state.host, 200)
    end
end


return _M
