-- What a balancer must know besides endpoints and weights, in the upstream's label amesh_balancing:
--   choices=3,bias=0.5                least request: how many are drawn, and how much active requests count
--   window=60,aggression=1,min=10     slow start: a new endpoint comes to its whole weight in that many seconds
local ngx_now = ngx.now
local gmatch = string.gmatch
local max = math.max
local pairs = pairs
local setmetatable = setmetatable
local tonumber = tonumber
local tostring = tostring
local type = type

local _M = {}

local LABEL = "amesh_balancing"
local NONE = {}

-- upstream and priority -> host -> when it was first seen here. Pickers keep it alive.
local arrivals = setmetatable({}, { __mode = "v" })


function _M.settings(upstream)
    local text = type(upstream.labels) == "table" and upstream.labels[LABEL]
    if not text then
        return NONE
    end

    local settings = {}
    for name, value in gmatch(text, "(%w+)=([%d.]+)") do
        settings[name] = tonumber(value)
    end
    return settings
end


-- An endpoint that goes and comes again is new again.
local function arrivals_of(up_nodes, upstream, priority)
    local key = (upstream.resource_key or tostring(upstream)) .. "#" .. tostring(priority or 0)
    local before = arrivals[key] or NONE
    local now, seen = ngx_now(), {}
    for host in pairs(up_nodes) do
        seen[host] = before[host] or now
    end
    arrivals[key] = seen
    return seen
end


-- A function that says whether a host is new, and one that says what its weight is for now; nil without slow start.
function _M.slow_start(up_nodes, upstream, priority, settings)
    local window = settings.window
    if not window then
        return nil
    end

    local seen = arrivals_of(up_nodes, upstream, priority)
    local least = (settings.min or 10) / 100
    local exponent = 1 / max(settings.aggression or 1, 0.001)

    local function any_new()
        local since = ngx_now() - window
        for _, arrived in pairs(seen) do
            if arrived > since then
                return true
            end
        end
        return false
    end

    return any_new, function(host, weight)
        local age = ngx_now() - seen[host]
        if age >= window then
            return weight
        end
        return weight * max(least, (max(age, 0.001) / window) ^ exponent)
    end
end


return _M
