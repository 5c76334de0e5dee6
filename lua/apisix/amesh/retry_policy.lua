-- Envoy's retry conditions, compiled once per plugin configuration.
local ipairs = ipairs
local pairs = pairs
local setmetatable = setmetatable
local random = math.random
local min = math.min
local next = next

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local BASE_INTERVAL = 0.025
local MAX_INTERVAL = 0.25

-- conditions that hold when no response came: the connection was never made, or it broke or was too slow
local ON_CONNECT_FAILURE = {
    ["connect-failure"] = true, ["reset-before-request"] = true,
    ["5xx"] = true, ["gateway-error"] = true, reset = true,
}
local ON_RESET = { ["5xx"] = true, ["gateway-error"] = true, reset = true }

-- Sets of statuses that the named location can take back for another try, see $amesh_retry in amesh-locations.conf. The
-- first that has all that are wanted is used; one that has more costs the body of an answer with such a status.
local TAKEN_BACK = {
    { name = "503", has = function(status) return status == 503 end },
    { name = "429_503", has = function(status) return status == 429 or status == 503 end },
    { name = "gateway", has = function(status) return status >= 502 and status <= 504 end },
    { name = "5xx", has = function(status) return status >= 500 end },
    { name = "409_5xx", has = function(status) return status == 409 or status >= 500 end },
    { name = "any", has = function() return true end },
}

-- statuses that nginx itself answers to a request that it does not take; they are never retried
local NOT_RETRIED = { [400] = true, [408] = true, [413] = true, [416] = true, [499] = true }


local function add_range(statuses, from, to)
    for status = from, to do
        statuses[status] = true
    end
end


local function set_for(statuses)
    for _, set in ipairs(TAKEN_BACK) do
        local fits = true
        for status in pairs(statuses) do
            fits = fits and set.has(status)
        end
        if fits then
            return set.name
        end
    end
end


local function compile(retry)
    local policy = {
        statuses = {},
        connect_failure = false,
        reset = false,
        num = retry.num or 1,
        base = retry.base_interval or BASE_INTERVAL,
        max = retry.max_interval or MAX_INTERVAL,
        previous_hosts = retry.previous_hosts,
        per_try_timeout = retry.per_try_timeout,
    }

    for _, condition in ipairs(retry.on or {}) do
        policy.connect_failure = policy.connect_failure or ON_CONNECT_FAILURE[condition] or false
        policy.reset = policy.reset or ON_RESET[condition] or false
        if condition == "5xx" then
            add_range(policy.statuses, 500, 599)
        elseif condition == "gateway-error" then
            add_range(policy.statuses, 502, 504)
        elseif condition == "retriable-4xx" then
            policy.statuses[409] = true
        elseif condition == "retriable-status-codes" then
            for _, status in ipairs(retry.statuses or {}) do
                if status >= 400 and status <= 599 and not NOT_RETRIED[status] then
                    policy.statuses[status] = true
                end
            end
        end
    end

    policy.taken_back = next(policy.statuses) and set_for(policy.statuses) or nil
    return policy
end


-- retry: plugins.amesh.retry of a route.
function _M.of(retry)
    local policy = compiled[retry]
    if not policy then
        policy = compile(retry)
        compiled[retry] = policy
    end

    return policy
end


-- Seconds to wait before retry number `count` (1 for the first): random below an interval that doubles.
function _M.back_off(policy, count)
    return random() * min(policy.base * 2 ^ (count - 1), policy.max)
end


return _M
