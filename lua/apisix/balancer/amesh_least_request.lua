-- Envoy's LEAST_REQUEST. With equal weights: of two (or more) hosts chosen by chance, the one with fewest active
-- requests. With different weights: by chance, each host's weight divided by its active requests plus one, to the power
-- of the bias.
--
-- Active requests are counted per process and upstream, and outlive a change of the upstream's endpoints.
local balancing = require("apisix.amesh.balancing")
local tried_hosts = require("apisix.amesh.tried_hosts")
local weighted_hosts = require("apisix.amesh.weighted_hosts")

local setmetatable = setmetatable
local tostring = tostring

local _M = {}

-- resource key and priority -> host -> number of requests on their way. Requests and pickers keep it alive.
local counters = setmetatable({}, { __mode = "v" })


local function active_requests(upstream, priority)
    local key = upstream.resource_key
    if not key then
        return {}
    end

    key = key .. "#" .. tostring(priority or 0)
    local active = counters[key]
    if not active then
        active = {}
        counters[key] = active
    end
    return active
end


local function fewer(active, a, b)
    if not b or (active[a] or 0) <= (active[b] or 0) then
        return a
    end
    return b
end


-- By how much an active request counts against a host: its weight is divided by this.
local function burden(active, host, bias)
    local requests = (active[host] or 0) + 1
    return bias and requests ^ bias or requests
end


local function choose_fewest(hosts, active, tried, choices)
    local one, err = hosts:choose(tried)
    if not one then
        return nil, err
    end

    for _ = 2, choices do
        one = fewer(active, one, (hosts:choose(tried)))
    end
    return one
end


local function release(active, ctx)
    local host = ctx.amesh_active_host
    if not host then
        return
    end

    ctx.amesh_active_host = nil
    local left = (active[host] or 1) - 1
    active[host] = left > 0 and left or nil
end


function _M.new(up_nodes, upstream, priority)
    local hosts = weighted_hosts.new(up_nodes)
    local active = active_requests(upstream, priority)
    local settings = balancing.settings(upstream)
    local any_new, slowed = balancing.slow_start(up_nodes, upstream, priority, settings)

    local function by_weight(host, weight)
        return weight / burden(active, host, settings.bias)
    end

    local function by_slowed_weight(host, weight)
        return slowed(host, weight) / burden(active, host, settings.bias)
    end

    local function choose(tried)
        if any_new and any_new() then
            return hosts:choose(tried, by_slowed_weight)
        elseif not hosts.equal then
            return hosts:choose(tried, by_weight)
        end
        return choose_fewest(hosts, active, tried, settings.choices or 2)
    end

    return {
        upstream = upstream,
        get = function(ctx)
            release(active, ctx)
            local host, err = choose(tried_hosts.of(ctx))
            if host then
                active[host] = (active[host] or 0) + 1
                ctx.amesh_active_host = host
            end
            return host, err
        end,
        after_balance = function(ctx, before_retry)
            release(active, ctx)
            return tried_hosts.after_balance(ctx, before_retry)
        end,
        before_retry_next_priority = tried_hosts.forget,
    }
end


return _M
