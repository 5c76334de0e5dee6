-- Headers by which a client may tell the proxy what to do. Envoy heeds them from clients that it takes for internal,
-- and takes them away from all others.
--
-- A client is internal where the listener names internal addresses and X-Forwarded-For has exactly one, which is among
-- them. Without such a list nobody is.
local headers = require("apisix.amesh.headers")
local listeners = require("apisix.amesh.listeners")

local clear_header = ngx.req.clear_header
local set_header = ngx.req.set_header
local ipairs = ipairs
local pcall = pcall
local require = require
local setmetatable = setmetatable
local tonumber = tonumber

local _M = {}
local matchers = setmetatable({}, { __mode = "k" })

local FOR_INTERNAL = {
    "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names", "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-ip-tags", "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace", "x-envoy-internal",
}

-- what the router itself takes out of a request once it has read it
local TAKEN_OUT = {
    "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names",
    "x-envoy-hedge-on-per-try-timeout",
}


local function matcher_of(list)
    local known = matchers[list]
    if known == nil then
        -- a library of APISIX's
        local found, ipmatcher = pcall(require, "resty.ipmatcher")
        known = found and ipmatcher.new(list) or false
        matchers[list] = known
    end
    return known
end


local function is_internal(ctx)
    local listener = listeners.of(ctx)
    local list = listener and listener.internal_addresses
    if not list or #list == 0 then
        return false
    end

    local forwarded = headers.value(ctx, "x-forwarded-for")
    local address = forwarded and forwarded:match("^%s*([^,%s]+)%s*$")
    local matcher = address and matcher_of(list)
    return matcher and matcher:match(address) or false
end


function _M.is(ctx)
    if ctx.amesh.internal == nil then
        ctx.amesh.internal = is_internal(ctx)
    end
    return ctx.amesh.internal
end


-- Value of such a header of an internal client; nil otherwise.
function _M.value(ctx, name)
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
            clear_header(name)
            headers.forget(ctx)
        end
    end
end


-- names: headers that the mesh, too, does not want from outside.
function _M.sanitize(ctx, names)
    if _M.is(ctx) then
        set_header("x-envoy-internal", "true")
        headers.forget(ctx)
    else
        clear(ctx, FOR_INTERNAL)
        if names then
            clear(ctx, names)
        end
    end
end


-- To be called when all of them have been read.
function _M.take_out(ctx)
    clear(ctx, TAKEN_OUT)
end


return _M
