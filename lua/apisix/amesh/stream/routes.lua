-- The stream route of a connection from the captured port: the one that its filter chain names. APISIX's own router,
-- which knows neither original destinations nor chains, keeps the connections to APISIX's own stream listeners.
local core = require("apisix.core")
local config_util = require("apisix.core.config_util")
local network_filters = require("apisix.amesh.network_filters")
local draining = require("apisix.amesh.stream.draining")
local handed = require("apisix.amesh.stream.handed")
local stream_view = require("apisix.amesh.access.stream_view")

local ngx = ngx
local require = require

local _M = {}

-- no connection's own address: keeps the mesh's routes from those of APISIX's stream listeners
local NOWHERE = "0.0.0.0"
local CLOSED = 403

local marked_version


local function match_chain(ctx, found)
    ctx.amesh_connection = found
    if found.chain.network_filters and not network_filters.admits(found.chain, stream_view, ctx) then
        return ngx.exit(CLOSED)
    end

    local routes = core.config.fetch_created_obj("/stream_routes")
    ctx.matched_route = routes and routes:get(found.chain.stream_route)
    if ctx.matched_route then
        found.proxy = ctx.matched_route.value
        draining.follow(found)
    else
        core.log.info("no stream route ", found.chain.stream_route)
    end
    return true
end


-- A stream route without conditions takes any connection to APISIX's own stream listeners. The mesh's have none, since
-- their filter chains have decided; to APISIX's router they get one that never holds, before it makes its tables.
local function keep_from_stock_router()
    local routes = core.config.fetch_created_obj("/stream_routes")
    if not routes or routes.conf_version == marked_version then
        return
    end

    marked_version = routes.conf_version
    for _, item in config_util.iterate_values(routes.values) do
        local value = item.value
        if value and value.plugins and value.plugins.amesh then
            value.server_addr = NOWHERE
        end
    end
end


function _M.start()
    local router = require("apisix.stream.router.ip_port")
    if router.amesh_match then
        return
    end

    local match = router.match
    router.amesh_match = match
    router.match = function(ctx)
        local found = handed.found()
        if found then
            return match_chain(ctx, found)
        end
        keep_from_stock_router()
        return match(ctx)
    end
end


return _M
