-- Hash balancing (Envoy's RING_HASH and MAGLEV): one key goes to one endpoint, keys spread by weight, and when
-- endpoints come or go only the keys of those move. Highest random weight instead of a ring: nothing to build.
--
-- The key is ctx.amesh_hash, which the plugin takes from the route's hash policies; without one, chance decides.
local tried_hosts = require("apisix.amesh.tried_hosts")
local weighted_hosts = require("apisix.amesh.weighted_hosts")

local md5_bin = ngx.md5_bin
local log = math.log
local byte = string.byte

local _M = {}

local SPAN = 4294967296


-- Evenly spread over (0, 1).
local function chance_of(key, host)
    local a, b, c, d = byte(md5_bin(key .. "\0" .. host), 1, 4)
    return (((a * 256 + b) * 256 + c) * 256 + d + 0.5) / SPAN
end


local function choose(hosts, key, tried)
    local best, best_score
    for index = 1, hosts.count do
        local host, weight = hosts.names[index], hosts.weights[index]
        if weight > 0 and not (tried and tried[host]) then
            local score = -weight / log(chance_of(key, host))
            if not best or score > best_score then
                best, best_score = host, score
            end
        end
    end

    if not best then
        return nil, "all upstream servers tried"
    end
    return best
end


function _M.new(up_nodes, upstream)
    local hosts = weighted_hosts.new(up_nodes)

    return {
        upstream = upstream,
        get = function(ctx)
            local tried = tried_hosts.of(ctx)
            if not ctx.amesh_hash then
                return hosts:choose(tried)
            end
            return choose(hosts, ctx.amesh_hash, tried)
        end,
        after_balance = tried_hosts.after_balance,
        before_retry_next_priority = tried_hosts.forget,
    }
end


return _M
