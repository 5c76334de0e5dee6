-- Envoy's LEAST_REQUEST. With equal weights: of two hosts chosen by chance, the one with fewer active requests. With
-- different weights: by chance, each host's weight divided by its active requests plus one.
--
-- Active requests are counted per process and upstream, and outlive a change of the upstream's endpoints.
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


local function choose(hosts, active, tried)
    if not hosts.equal then
        return hosts:choose(tried, function(host, weight)
            return weight / ((active[host] or 0) + 1)
        end)
    end

    local one, err = hosts:choose(tried)
    if not one then
        return nil, err
    end
    return fewer(active, one, (hosts:choose(tried)))
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

    return {
        upstream = upstream,
        get = function(ctx)
            release(active, ctx)
            local host, err = choose(hosts, active, tried_hosts.of(ctx))
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
