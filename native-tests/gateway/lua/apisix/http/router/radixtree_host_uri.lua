-- A double of APISIX's stock router: routes one by one, an exact host or none, an exact uri or a prefix with "*".
local expr = require("resty.expr.v1")

local _M = {}

local function uri_matches(pattern, uri)
    if pattern:sub(-1) == "*" then
        return uri:sub(1, #pattern - 1) == pattern:sub(1, -2)
    end
    return uri == pattern
end

local function host_matches(hosts, host)
    for _, one in ipairs(hosts) do
        if one == host then
            return true
        end
    end
    return false
end

function _M.match(ctx)
    for _, route in ipairs(_M.user_routes.values) do
        local value = route and route.value
        if value and value.status ~= 0 and uri_matches(value.uri, ctx.var.uri)
            and (not value.hosts or host_matches(value.hosts, ctx.var.host))
            and (not value.vars or expr.new(value.vars):eval(ctx.var))
        then
            ctx.matched_route = route
            ctx.curr_req_matched = { _path = value.uri }
            return true
        end
    end
    return false
end

return _M
