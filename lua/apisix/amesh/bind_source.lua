-- The own address that a connection to an endpoint comes from, in HTTP and in stream.
local core = require("apisix.core")
local ngx_balancer = require("ngx.balancer")

local find = string.find

local _M = {}


local function is_v6(address)
    return find(address, ":", 1, true) ~= nil
end


-- Balancer phase. source: an IP address, or nil for what the system chooses; host: the endpoint's. An address of the
-- other family cannot reach it, and the system chooses then, too.
function _M.use(source, host)
    if not source or is_v6(source) ~= is_v6(host) or not ngx_balancer.bind_to_local_addr then
        return
    end

    local ok, err = ngx_balancer.bind_to_local_addr(source)
    if not ok then
        core.log.error("a connection does not come from ", source, ": ", err)
    end
end


return _M
