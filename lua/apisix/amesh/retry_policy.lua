-- Envoy's retry conditions, compiled once per plugin configuration, or for a request whose headers add to them.
local expr = require("resty.expr.v1")
local headers = require("apisix.amesh.headers")
local internal = require("apisix.amesh.internal")
local variables = require("apisix.amesh.variables")

local ngx_time = ngx.time
local gmatch = string.gmatch
local ipairs = ipairs
local lower = string.lower
local min = math.min
local next = next
local pairs = pairs
local random = math.random
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local BASE_INTERVAL = 0.025
local MAX_INTERVAL = 0.25
local MAX_RATE_LIMITED = 300
local HEADER = "amesh_header_"

-- conditions that hold when no response came: the connection was never made, or it broke or was too slow
local ON_CONNECT_FAILURE = {
    ["connect-failure"] = true, ["reset-before-request"] = true,
    ["5xx"] = true, ["gateway-error"] = true, reset = true,
}
local ON_RESET = { ["5xx"] = true, ["gateway-error"] = true, reset = true }
local ON_GRPC = {
    cancelled = "1", ["deadline-exceeded"] = "4", ["resource-exhausted"] = "8", internal = "13", unavailable = "14",
}

-- Sets of statuses that nginx can take back by itself, see $amesh_retry. Any other is decided here, once the answer's
-- headers are there, which costs the client's HTTP/1.1 connection where there is another try.
local TAKEN_BACK = {
    { name = "503", size = 1, has = function(status) return status == 503 end },
    { name = "429_503", size = 2, has = function(status) return status == 429 or status == 503 end },
    { name = "gateway", size = 3, has = function(status) return status >= 502 and status <= 504 end },
    { name = "5xx", size = 100, has = function(status) return status >= 500 end },
    { name = "409_5xx", size = 101, has = function(status) return status == 409 or status >= 500 end },
}
local BY_LUA = "lua"


local function add_range(statuses, from, to)
    for status = from, to do
        statuses[status] = true
    end
end


local function taken_back(policy)
    if policy.response_headers then
        return BY_LUA
    end

    local size = 0
    for _ in pairs(policy.statuses) do
        size = size + 1
    end
    if size == 0 then
        return nil
    end

    for _, set in ipairs(TAKEN_BACK) do
        local fits = size == set.size
        for status in pairs(policy.statuses) do
            fits = fits and set.has(status)
        end
        if fits then
            return set.name
        end
    end
    return BY_LUA
end


local function add_condition(policy, condition, retry)
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
            policy.statuses[status] = true
        end
    elseif condition == "retriable-headers" then
        policy.response_headers = retry.headers and expr.new(retry.headers)
    elseif condition == "envoy-ratelimited" then
        policy.rate_limited_too = true
    elseif ON_GRPC[condition] then
        policy.grpc = policy.grpc or {}
        policy.grpc[ON_GRPC[condition]] = true
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
        host_attempts = retry.host_attempts or 1,
        rate_limited = retry.rate_limited,
    }

    for _, condition in ipairs(retry.on or {}) do
        add_condition(policy, condition, retry)
    end
    if retry.request_headers then
        variables.ensure_all(retry.request_headers)
        policy.request_headers = expr.new(retry.request_headers)
    end

    policy.taken_back = taken_back(policy)
    return policy
end


-- What an internal client adds by its request's headers, see Envoy's router: x-envoy-retry-on and the like.
local function with_headers(ctx, retry)
    if not headers.has_envoys(ctx) then
        return nil
    end

    local on = internal.value(ctx, "x-envoy-retry-on")
    local grpc_on = internal.value(ctx, "x-envoy-retry-grpc-on")
    local num = internal.value(ctx, "x-envoy-max-retries")
    if not on and not grpc_on and not (num and retry) then
        return nil
    end

    local wider = setmetatable({ on = {}, statuses = {} }, { __index = retry })
    for _, condition in ipairs(retry and retry.on or {}) do
        wider.on[#wider.on + 1] = condition
    end
    for condition in gmatch((on or "") .. "," .. (grpc_on or ""), "[^,%s]+") do
        wider.on[#wider.on + 1] = condition
    end
    for _, status in ipairs(retry and retry.statuses or {}) do
        wider.statuses[#wider.statuses + 1] = status
    end
    for status in gmatch(internal.value(ctx, "x-envoy-retriable-status-codes") or "", "%d+") do
        wider.statuses[#wider.statuses + 1] = tonumber(status)
    end
    if num and num:find("^%d+$") then
        wider.num = tonumber(num)
    end
    return compile(wider)
end


local function takes(policy, ctx)
    if policy.request_headers and not policy.request_headers:eval(ctx.var) then
        return nil
    end
    return policy
end


-- retry: plugins.amesh.retry of a route, or nil. Returns the policy for this request; nil when it is never retried.
function _M.of(ctx, retry)
    local policy = with_headers(ctx, retry)
    if policy or not retry then
        return policy and takes(policy, ctx)
    end

    policy = compiled[retry]
    if not policy then
        policy = compile(retry)
        compiled[retry] = policy
    end
    return takes(policy, ctx)
end


-- May a request have to be sent again that an endpoint has had a part of?
function _M.needs_body(policy)
    return policy ~= nil and policy.num > 0
           and (policy.reset or policy.grpc ~= nil or policy.response_headers ~= nil or next(policy.statuses) ~= nil)
end


-- Values of an answer's headers under the names that conditions have. header(name) -> value.
local function as_variables(header)
    return setmetatable({}, {
        __index = function(_, name)
            return sub(name, 1, #HEADER) == HEADER and header(sub(name, #HEADER + 1)) or nil
        end,
    })
end


-- Is this answer to be followed by another try?
function _M.wants(policy, ctx, status, header)
    if header("x-envoy-ratelimited") then
        return policy.rate_limited_too or false
    end

    if policy.statuses[status] then
        return true
    end
    if policy.grpc and headers.is_grpc(ctx) and policy.grpc[header("grpc-status") or ""] then
        return true
    end
    return policy.response_headers and policy.response_headers:eval(as_variables(header)) or false
end


-- Seconds that an answer asks to wait; nil when it does not or asks too much.
local function asked_pause(policy, header)
    local limited = policy.rate_limited
    for _, reset in ipairs(limited and limited.headers or {}) do
        local value = tonumber(header(lower(reset.name)) or "")
        local seconds = value and (reset.format == "unix_timestamp" and value - ngx_time() or value)
        if seconds and seconds > 0 and seconds <= (limited.max_interval or MAX_RATE_LIMITED) then
            return seconds
        end
    end
end


-- Seconds to wait before retry number `count` (1 for the first): what the answer asks for and up to half as much more,
-- or random below an interval that doubles. header: of the answer; nil when there was none.
function _M.back_off(policy, count, header)
    local asked = header and asked_pause(policy, header)
    if asked then
        return asked * (1 + random() / 2)
    end
    return random() * min(policy.base * 2 ^ (count - 1), policy.max)
end


return _M
