-- A double of apisix/init.lua, for machines where APISIX cannot be installed: a request's phases in APISIX's order,
-- with APISIX's names and its answers when something is missing. No consumers, services, scripts or global rules.
local core = require("apisix.core")
local plugin = require("apisix.plugin")
local router = require("apisix.router")
local upstream = require("apisix.upstream")
local balancer = require("apisix.balancer")
local redaction = require("apisix.amesh.redaction")
local config = core.config

local ngx = ngx
local math = math

local _M = {}
local applied = ngx.shared.gateway


function _M.http_init()
    config.init()
end


-- for the control endpoint: which commit has this worker applied?
local function report(premature)
    if not premature then
        applied:set("worker/" .. ngx.worker.id(), config.applied_version() or 0)
    end
end


function _M.http_init_worker()
    math.randomseed(ngx.now() * 1000 + ngx.worker.pid() * 7919)
    config.init_worker()
    plugin.init_worker()
    router.http_init_worker()
    upstream.init_worker()
    ngx.timer.every(0.02, report)
end


local function phase(name, ctx)
    return plugin.run_plugin(name, ctx.plugins, ctx)
end


function _M.http_access_phase()
    local ctx = core.tablepool.fetch("api_ctx", 0, 32)
    ngx.ctx.api_ctx = ctx
    core.ctx.set_vars_meta(ctx)

    router.router_http.match(ctx)
    local route = ctx.matched_route
    if not route then
        return core.response.exit(404, { error_msg = "404 Route Not Found" })
    end

    ctx.conf_version = route.modifiedIndex
    ctx.conf_id = route.value.id
    ctx.plugins = plugin.filter(ctx, route)
    phase("rewrite", ctx)
    phase("access", ctx)

    local id = ctx.upstream_id or route.value.upstream_id
    if id then
        ctx.matched_upstream = upstream.get_by_id(id)
        if not ctx.matched_upstream then
            return core.response.exit(502)
        end
    else
        ctx.matched_upstream = ctx.matched_upstream or route.value.upstream
    end

    if route.value.enable_websocket then
        ctx.var.upstream_upgrade = ctx.var.http_upgrade
        ctx.var.upstream_connection = ctx.var.http_connection
    end

    local code, err = upstream.set_by_route(route, ctx)
    if code then
        core.log.error("failed to set upstream: ", err)
        return core.response.exit(code)
    end

    local server
    server, err = balancer.pick_server(route, ctx)
    if not server then
        core.log.error("failed to pick server: ", err)
        return core.response.exit(502)
    end

    ctx.picked_server = server
    phase("before_proxy", ctx)
end


local function common_phase(name)
    local ctx = ngx.ctx.api_ctx
    if ctx then
        return phase(name, ctx)
    end
end


function _M.http_balancer_phase()
    local ctx = ngx.ctx.api_ctx
    if not ctx then
        core.log.error("invalid api_ctx")
        return core.response.exit(500)
    end

    balancer.run(ctx.matched_route, ctx, common_phase)
end


function _M.http_header_filter_phase()
    common_phase("header_filter")
end


function _M.http_body_filter_phase()
    common_phase("body_filter")
end


function _M.http_log_phase()
    local ctx = ngx.ctx.api_ctx
    if not ctx then
        return
    end

    common_phase("log")
    if ctx.server_picker and ctx.server_picker.after_balance then
        ctx.server_picker.after_balance(ctx, false)
    end

    core.ctx.release_vars(ctx)
    core.tablepool.release("api_ctx", ctx)
end


-- GET /status: the commit in the zone, the one that each worker has applied, the library's own status.
function _M.http_control_status()
    local workers = {}
    for id = 0, ngx.worker.count() - 1 do
        workers[tostring(id)] = applied:get("worker/" .. id) or 0
    end

    local status = require("apisix.amesh.status").all()
    status.version = status.commit
    status.workers = workers
    ngx.say(core.json.encode(status))
end


-- GET /objects: what is in the zone, key to object, without secrets.
function _M.http_control_objects()
    local zone = ngx.shared["xds-config"]
    local objects = {}
    for _, key in ipairs(zone:get_keys(0)) do
        local text = zone:get(key)
        objects[key] = redaction.object(key:match("^/[^/]+"), core.json.decode(text), text)
    end
    ngx.say(core.json.encode(objects))
end


return _M
