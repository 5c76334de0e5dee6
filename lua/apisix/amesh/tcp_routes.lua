-- HTTP that came in by the chain of a TCP proxy. Where nginx has a stream side that is decided before HTTP begins;
-- where it has none, a request is passed on as it came, which is what a TCP proxy would do with its bytes.
local core = require("apisix.core")

local error = error
local setmetatable = setmetatable

local _M = {}
local objects
local routes = setmetatable({}, { __mode = "k" })      -- item of /stream_routes -> item of a route


function _M.init_worker()
    local err
    objects, err = core.config.new("/stream_routes", { automatic = true })
    if not objects then
        error("failed to follow /stream_routes: " .. err)
    end
end


local function route_of(item)
    local value = item.value
    local proxy = value.plugins and value.plugins.amesh or {}
    return {
        key = item.key,
        modifiedIndex = item.modifiedIndex,
        orig_modifiedIndex = item.modifiedIndex,
        clean_handlers = {},
        has_domain = false,
        value = {
            id = value.id,
            name = value.name,
            uri = "/*",
            enable_websocket = true,
            upstream_id = value.upstream_id,
            plugins = { amesh = { tcp = true, clusters = proxy.clusters } },
        },
    }
end


-- The item of a route for requests in this chain; nil when its stream route has not come.
function _M.of(chain)
    local item = objects and chain.stream_route and objects:get(chain.stream_route)
    if not item then
        return nil
    end

    local route = routes[item]
    if not route then
        route = route_of(item)
        routes[item] = route
    end
    return route
end


return _M
