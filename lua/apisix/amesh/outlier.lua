-- Envoy's outlier detection: an endpoint that fails so many times in a row, or more often than the others, gets no
-- requests for a while. Counts and ejections are shared by all workers, in the dictionary amesh-outliers (in nginx's
-- stream, which sees none of http's: amesh-outliers-stream); without it nothing is ejected.
--
-- The settings are a label of the upstream, since its schema has no place of its own for them:
--   5xx=3,gateway=2,interval=5,base=30,max=300,percent=60,panic=50
-- 5xx, gateway (502 to 504), local (no answer at all; counted apart where `split` is there): how many failures in a
-- row; `3@50` ejects in half of the cases. base, max: seconds that an ejection takes, times the number of ejections
-- before, of which one is forgotten with each interval. percent: of endpoints that may be ejected. panic: with less
-- than that many percent left, requests are spread over all. jitter: at most so many seconds more. one: one endpoint
-- may be ejected whatever the percentage says. rate, failures and what belongs to them: see outlier_rates.
--
-- Where the library follows the endpoints' health (the label amesh_health) it hears of ejections, and works them into
-- the nodes, with priorities, localities and panic; until then they are passed over here. amesh_endpoints is how many
-- endpoints such a cluster has, in the nodes or not.
local log = require("apisix.core.log")
local followed = require("apisix.amesh.followed")
local outlier_rates = require("apisix.amesh.outlier_rates")
local tried_hosts = require("apisix.amesh.tried_hosts")

local dict = ngx.shared[ngx.config.subsystem == "http" and "amesh-outliers" or "amesh-outliers-stream"]
local ngx_now = ngx.now
local floor = math.floor
local gmatch = string.gmatch
local ipairs = ipairs
local max = math.max
local min = math.min
local random = math.random
local setmetatable = setmetatable
local tonumber = tonumber
local type = type

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local LABEL = "amesh_outlier_detection"
local ENDPOINTS_LABEL = "amesh_endpoints"
local DAY = 86400


local function parse(id, text)
    local settings = { scope = id .. "#" .. text .. "#", enforced = {} }
    for name, value, share in gmatch(text, "([%w_]+)=([%d.]+)@?(%d*)") do
        settings[name] = tonumber(value)
        settings.enforced[name] = tonumber(share) or 100
    end
    settings.split = settings.split or settings["local"]
    settings.rates = outlier_rates.of(settings)
    return settings
end


local function settings_of(upstream)
    if not dict or not upstream then
        return nil
    end

    local known = compiled[upstream]
    if known == nil then
        local text = type(upstream.labels) == "table" and upstream.labels[LABEL]
        known = text and parse(upstream.id or "", text) or false
        if known then
            known.followed = followed.id_of(upstream)
            known.endpoints = known.followed and tonumber(upstream.labels[ENDPOINTS_LABEL]) or #upstream.nodes
        end
        compiled[upstream] = known
    end
    return known
end


-- Whether an endpoint is ejected, and whether the nodes are as they should be in spite of it.
local function is_ejected(settings, host)
    if not dict:get(settings.scope .. "out#" .. host) then
        return false, false
    end
    if settings.followed then
        return followed.is_ejected(settings.followed, host)
    end
    return true, false
end


-- Those among the nodes that are to be passed over.
local function ejected_hosts(upstream, settings)
    local hosts, count = {}, 0
    for _, node in ipairs(upstream.nodes) do
        local host = node.host .. ":" .. node.port
        local ejected, settled = is_ejected(settings, host)
        if ejected and not settled then
            hosts[host] = true
            count = count + 1
        end
    end
    return hosts, count
end


-- All that are ejected, in the nodes or not: how many, and their names as a text.
local function all_ejected(upstream, settings)
    if not settings.followed then
        local _, active = ejected_hosts(upstream, settings)
        return active, nil
    end

    local active, names = 0, ""
    for host in gmatch(dict:get(settings.scope .. "list") or "", "[^,]+") do
        if is_ejected(settings, host) then
            active = active + 1
            names = names .. host .. ","
        end
    end
    return active, names
end


local function eject(upstream, settings, host)
    local key = settings.scope .. "out#" .. host
    local active, names = all_ejected(upstream, settings)
    local too_many = 100 * (active + 1) / settings.endpoints > settings.percent and not (settings.one and active == 0)
    if is_ejected(settings, host) or too_many then
        return
    end

    local now = ngx_now()
    local times_key, back_key = settings.scope .. "times#" .. host, settings.scope .. "back#" .. host
    local calm = floor(max(0, now - (dict:get(back_key) or now)) / settings.interval)
    local times = max(0, (dict:get(times_key) or 0) - calm) + 1
    local seconds = min(settings.base * times, settings.max) + random() * (settings.jitter or 0)
    dict:set(times_key, times, DAY)
    dict:set(back_key, now + seconds, DAY)
    dict:set(key, true, seconds)
    if settings.followed then
        dict:set(settings.scope .. "list", names .. host, DAY)
        followed.ejected(settings.followed, host, seconds)
    end
    if (dict:ttl(settings.scope) or 0) < seconds then
        dict:set(settings.scope, true, seconds)
    end
    log.notice("endpoint ", host, " of ", upstream.name or upstream.id, " gets no requests for ", seconds, " s")
end


local function count(upstream, settings, kind, host, failed)
    local limit = settings[kind]
    if not limit then
        return
    end

    local key = settings.scope .. kind .. "#" .. host
    if not failed then
        if dict:get(key) then
            dict:delete(key)
        end
    elseif (dict:incr(key, 1, 0, DAY) or 0) >= limit then
        dict:delete(key)
        if random(100) <= settings.enforced[kind] then
            eject(upstream, settings, host)
        end
    end
end


-- origin: "" for what endpoints answer, "local_" for whether they could be reached.
local function count_rate(upstream, settings, origin, host, failed)
    if not settings.rates then
        return
    end

    outlier_rates.count(dict, settings, origin, host, failed)
    if dict:add(settings.scope .. "window", true, settings.interval) then
        for _, one in ipairs(outlier_rates.worst(dict, settings, upstream.nodes)) do
            if random(100) <= one.enforced then
                eject(upstream, settings, one.host)
            end
        end
    end
end


-- An endpoint, "host:port", answered with a status.
function _M.answered(upstream, host, status)
    local settings = settings_of(upstream)
    if settings then
        count(upstream, settings, "local", host, false)
        count(upstream, settings, "5xx", host, status >= 500)
        count(upstream, settings, "gateway", host, status >= 502 and status <= 504)
        count_rate(upstream, settings, "", host, status >= 500)
        if settings.split then
            count_rate(upstream, settings, "local_", host, false)
        end
    end
end


-- An endpoint did not answer: no connection, a broken one, or too slow.
function _M.failed(upstream, host)
    local settings = settings_of(upstream)
    if not settings then
        return
    end

    if settings.split then
        count(upstream, settings, "local", host, true)
        return count_rate(upstream, settings, "local_", host, true)
    end
    count(upstream, settings, "5xx", host, true)
    count(upstream, settings, "gateway", host, true)
    count_rate(upstream, settings, "", host, true)
end


-- The share of an upstream's endpoints that are not ejected, 0 to 1.
function _M.share_left(upstream)
    local settings = settings_of(upstream)
    if not settings or not dict:get(settings.scope) then
        return 1
    end

    local _, active = ejected_hosts(upstream, settings)
    return (#upstream.nodes - active) / #upstream.nodes
end


-- Has the balancer pass over endpoints that are ejected. False when there is no other.
function _M.avoid(ctx, upstream)
    local settings = settings_of(upstream)
    if not settings or not dict:get(settings.scope) then
        return true
    end

    local hosts, active = ejected_hosts(upstream, settings)
    local all = #upstream.nodes
    -- where the library follows, it decides on panic, within a moment
    local panic = settings.followed and active == all
                  or not settings.followed and 100 * (all - active) / all < settings.panic
    if active == 0 or panic then
        return true
    end

    tried_hosts.add(ctx, hosts)
    return active < all
end


return _M
