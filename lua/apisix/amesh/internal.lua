-- Headers by which a client may tell the proxy what to do. Envoy heeds them from clients that it takes for internal,
-- and takes them away from all others.
--
-- A client is internal where the listener names internal addresses and X-Forwarded-For has exactly one, which is among
-- them. Without such a list nobody is.
local headers = require("apisix.amesh.headers")
local listeners = require("apisix.amesh.listeners")
local prefix_table = require("apisix.amesh.prefix_table")

local ipairs = ipairs
local setmetatable = setmetatable
local tonumber = tonumber

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local FOR_INTERNAL = {
    "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names", "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-ip-tags", "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace", "x-envoy-internal",
}

-- what only proxies within write; an edge proxy (use_remote_address) takes it from nobody outside
local FROM_WITHIN = {
    "x-envoy-original-path", "x-envoy-original-host", "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node",
}

-- what the router itself takes out of a request once it has read it
local TAKEN_OUT = {
    "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names",
    "x-envoy-hedge-on-per-try-timeout",
}


local function ranges_of(list)
    local ranges = compiled[list]
    if not ranges then
        ranges = prefix_table.new()
        for _, range in ipairs(list) do
            ranges:put(range, true)
        end
        compiled[list] = ranges
    end
    return ranges
end


local function is_internal(ctx)
    local listener = listeners.of(ctx)
    local list = listener and listener.internal_addresses
    if not list or #list == 0 then
        return false
    end

    local forwarded = headers.value(ctx, "x-forwarded-for")
    local address = forwarded and forwarded:match("^%s*([^,%s]+)%s*$")
    return address ~= nil and ranges_of(list):find(address) == true
end


function _M.is(ctx)
    if ctx.amesh.internal == nil then
        ctx.amesh.internal = is_internal(ctx)
    end
    return ctx.amesh.internal
end


-- Value of such a header of an internal client; nil otherwise.
function _M.value(ctx, name)
    if not headers.has_envoys(ctx) then
        return nil
    end

    local value = headers.value(ctx, name)
    return value and _M.is(ctx) and value or nil
end


-- Seconds from a header in milliseconds.
function _M.milliseconds(ctx, name)
    local value = _M.value(ctx, name)
    local number = value and value:match("^%d+$")
    return number and tonumber(number) / 1000
end


local function clear(ctx, names)
    for _, name in ipairs(names) do
        if headers.value(ctx, name) then
            headers.clear(ctx, name)
        end
    end
end


-- names: headers that the mesh, too, does not want from outside.
function _M.sanitize(ctx, names)
    if _M.is(ctx) then
        headers.set(ctx, "x-envoy-internal", "true")
    else
        if headers.has_envoys(ctx) then
            clear(ctx, FOR_INTERNAL)
            local listener = listeners.of(ctx)
            if listener and listener.use_remote_address then
                clear(ctx, FROM_WITHIN)
            end
        end
        if names then
            clear(ctx, names)
        end
    end
end


-- To be called when all of them have been read.
function _M.take_out(ctx)
    if headers.has_envoys(ctx) then
        clear(ctx, TAKEN_OUT)
    end
end


return _M
