-- The stream route of a connection from the captured port: the one that its filter chain names. APISIX's own router,
-- which knows neither original destinations nor chains, keeps the connections to APISIX's own stream listeners.
local core = require("apisix.core")
local handed = require("apisix.amesh.stream.handed")

local require = require

local _M = {}


local function match_chain(ctx, found)
    ctx.amesh_connection = found
    local routes = core.config.fetch_created_obj("/stream_routes")
    ctx.matched_route = routes and routes:get(found.chain.stream_route)
    if not ctx.matched_route then
        core.log.info("no stream route ", found.chain.stream_route)
    end
    return true
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
        return match(ctx)
    end
end


return _M
