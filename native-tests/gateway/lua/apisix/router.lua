-- A double of apisix.router.
local core = require("apisix.core")
local upstream = require("apisix.upstream")

local _M = {}

local function filter(route)
    route.orig_modifiedIndex = route.modifiedIndex
    route.has_domain = false
    upstream.filter_upstream(route.value.upstream, route)
end

function _M.http_init_worker()
    local name = core.config.local_conf().apisix.router.http
    _M.router_http = require("apisix.http.router." .. name)
    _M.router_http.init_worker(filter)
end

return _M
