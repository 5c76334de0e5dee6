-- A double of apisix.http.route.
local core = require("apisix.core")
local expr = require("resty.expr.v1")
local plugin_checker = require("apisix.plugin").plugin_checker

local _M = {}

local function check_route(route)
    local ok, err = plugin_checker(route)
    if not ok then
        return nil, err
    end

    if route.vars then
        ok, err = expr.new(route.vars)
        if not ok then
            return nil, "failed to validate the 'vars' expression: " .. err
        end
    end
    return true
end

function _M.init_worker(filter)
    return core.config.new("/routes", {
        automatic = true,
        item_schema = core.schema.route,
        checker = check_route,
        filter = filter,
    })
end

return _M
