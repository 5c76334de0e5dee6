-- Envoy's RANDOM: every pick is made by chance, weighted where the weights differ.
local tried_hosts = require("apisix.amesh.tried_hosts")
local weighted_hosts = require("apisix.amesh.weighted_hosts")

local _M = {}


function _M.new(up_nodes, upstream)
    local hosts = weighted_hosts.new(up_nodes)

    return {
        upstream = upstream,
        get = function(ctx)
            return hosts:choose(tried_hosts.of(ctx))
        end,
        after_balance = tried_hosts.after_balance,
        before_retry_next_priority = tried_hosts.forget,
    }
end


return _M
