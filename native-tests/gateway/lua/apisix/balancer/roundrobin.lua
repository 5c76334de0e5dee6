-- A double of apisix.balancer.roundrobin: turns by weight, smoothly, starting anywhere.
local tried_hosts = require("apisix.amesh.tried_hosts")

local _M = {}

function _M.new(up_nodes, upstream)
    local names, current, total = {}, {}, 0
    for name, weight in pairs(up_nodes) do
        names[#names + 1] = name
        current[name] = math.random() * weight
        total = total + weight
    end

    return {
        upstream = upstream,
        get = function(ctx)
            local tried = ctx.balancer_tried_servers
            local best
            for _, name in ipairs(names) do
                current[name] = current[name] + up_nodes[name]
                if up_nodes[name] > 0 or total == 0 then
                    if not (tried and tried[name]) and (not best or current[name] > current[best]) then
                        best = name
                    end
                end
            end

            if not best then
                return nil, "all upstream servers tried"
            end
            current[best] = current[best] - (total > 0 and total or 1)
            return best
        end,
        after_balance = tried_hosts.after_balance,
        before_retry_next_priority = tried_hosts.forget,
    }
end

return _M
