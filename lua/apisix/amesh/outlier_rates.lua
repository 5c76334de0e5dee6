-- Outlier detection by how often endpoints fail, one interval at a time, as Envoy works it out.
--
-- In the label of lua/apisix/amesh/outlier.lua:
--   rate=1.9@100,rate_hosts=5,rate_requests=100          success rate: ejects whose share of successes is so many
--                                                        standard deviations below the mean of all
--   failures=85@50,failure_hosts=5,failure_requests=50   failure percentage: ejects who fails that often
-- Only endpoints with so many requests count, and only where there are so many of those. `@50` ejects in half of the
-- cases. local_rate and local_failures say in how many cases for endpoints that could not be reached, where these are
-- told apart. An interval ends with the first request after it.
local floor = math.floor
local ipairs = ipairs
local max = math.max
local sqrt = math.sqrt

local _M = {}

local DAY = 86400


-- What there is to count for these settings; nil for nothing.
function _M.of(settings)
    local rate, failures = settings.rate, settings.failures
    if not rate and not failures then
        return nil
    end

    local enforced = settings.enforced
    return {
        deviations = rate,
        hosts = settings.rate_hosts or 5,
        requests = settings.rate_requests or 100,
        percentage = failures,
        failure_hosts = settings.failure_hosts or 5,
        failure_requests = settings.failure_requests or 50,
        enforced = {
            [""] = { rate = enforced.rate, failures = enforced.failures },
            local_ = { rate = settings.local_rate or 0, failures = settings.local_failures or 0 },
        },
    }
end


function _M.count(dict, settings, origin, host, failed)
    dict:incr(settings.scope .. origin .. "all#" .. host, 1, 0, DAY)
    if not failed then
        dict:incr(settings.scope .. origin .. "ok#" .. host, 1, 0, DAY)
    end
end


-- The counts of one kind of failures since they were last taken, for endpoints that are not ejected.
local function take(dict, settings, origin, nodes)
    local all = {}
    for _, node in ipairs(nodes) do
        local host = node.host .. ":" .. node.port
        local all_key = settings.scope .. origin .. "all#" .. host
        local ok_key = settings.scope .. origin .. "ok#" .. host
        local requests, successes = dict:get(all_key), dict:get(ok_key) or 0
        if requests then
            dict:delete(all_key)
            dict:delete(ok_key)
            if not dict:get(settings.scope .. "out#" .. host) then
                all[#all + 1] = { host = host, requests = requests, rate = 100 * successes / max(requests, 1) }
            end
        end
    end
    return all
end


local function with_requests(all, least)
    local some = {}
    for _, one in ipairs(all) do
        if one.requests >= least then
            some[#some + 1] = one
        end
    end
    return some
end


local function threshold(hosts, deviations)
    local sum, squares = 0, 0
    for _, one in ipairs(hosts) do
        sum = sum + one.rate
    end
    local mean = sum / #hosts
    for _, one in ipairs(hosts) do
        squares = squares + (one.rate - mean) ^ 2
    end
    return mean - deviations * sqrt(squares / #hosts)
end


local function add_worst(worst, rates, origin, all)
    local enforced = rates.enforced[origin]
    local hosts = with_requests(all, rates.requests)
    if rates.deviations and #hosts >= max(rates.hosts, 1) then
        local least = threshold(hosts, rates.deviations)
        for _, one in ipairs(hosts) do
            if one.rate < least then
                worst[#worst + 1] = { host = one.host, enforced = floor(enforced.rate or 0) }
            end
        end
    end

    hosts = with_requests(all, rates.failure_requests)
    if rates.percentage and #hosts >= max(rates.failure_hosts, 1) then
        for _, one in ipairs(hosts) do
            if 100 - one.rate >= rates.percentage then
                worst[#worst + 1] = { host = one.host, enforced = floor(enforced.failures or 0) }
            end
        end
    end
end


-- At the end of an interval: {host, enforced} of those that are to be ejected, in so many percent of the cases.
function _M.worst(dict, settings, nodes)
    local worst = {}
    add_worst(worst, settings.rates, "", take(dict, settings, "", nodes))
    if settings.split then
        add_worst(worst, settings.rates, "local_", take(dict, settings, "local_", nodes))
    end
    return worst
end


return _M
