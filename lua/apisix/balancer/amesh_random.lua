-- Envoy's RANDOM: every pick is made by chance, weighted where the weights differ.
local balancing = require("apisix.amesh.balancing")
local tried_hosts = require("apisix.amesh.tried_hosts")
local weighted_hosts = require("apisix.amesh.weighted_hosts")

local _M = {}


function _M.new(up_nodes, upstream, priority)
    local hosts = weighted_hosts.new(up_nodes)
    local any_new, weigh = balancing.slow_start(up_nodes, upstream, priority, balancing.settings(upstream))

    return {
        upstream = upstream,
        get = function(ctx)
            return hosts:choose(tried_hosts.of(ctx), any_new and any_new() and weigh or nil)
        end,
        after_balance = tried_hosts.after_balance,
        before_retry_next_priority = tried_hosts.forget,
    }
end


return _M
