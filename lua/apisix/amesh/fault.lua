-- Injected faults as Envoy's fault filter makes them: a delay, an abort, a slow answer, each with its own chance in
-- parts per million; or as the request asks for in x-envoy-fault-* headers, where the configuration says `header_unit`.
--
-- {when?: conditions, max_active?, delay: {seconds|header_unit, ppm}, abort: {status, grpc_status|header_unit, ppm},
--  rate: {kbps|header_unit, ppm}}
local core = require("apisix.core")
local expr = require("resty.expr.v1")
local headers = require("apisix.amesh.headers")
local local_reply = require("apisix.amesh.local_reply")
local variables = require("apisix.amesh.variables")

local ngx = ngx
local floor = math.floor
local find = string.find
local min = math.min
local random = math.random
local setmetatable = setmetatable
local sleep = ngx.sleep
local tonumber = tonumber

local _M = {}

local MILLION = 1000000
local BODY = "fault filter abort"
local KIB = 1024

-- a fault's configuration -> its compiled conditions, as long as the configuration lives
local conditions = setmetatable({}, { __mode = "k" })
-- requests of this worker that suffer a fault now
local active = 0


local function happens(ppm)
    ppm = ppm or MILLION
    return ppm >= MILLION or (ppm > 0 and random(MILLION) <= ppm)
end
_M.happens = happens


local function number(ctx, name)
    local text = headers.value(ctx, name)
    return text and find(text, "^%d+$") and tonumber(text) or nil
end


-- What a part asks for: its own value, or the request's, and then the request may also lower the share.
local function asked(ctx, part, value, name, share_name)
    if not part.header_unit then
        return value, part.ppm
    end

    local share = number(ctx, share_name)
    return number(ctx, name), share and min(share * part.header_unit, part.ppm) or part.ppm
end


local function applies(ctx, fault)
    local compiled = conditions[fault]
    if compiled == nil then
        variables.ensure_all(fault.when)
        local err
        compiled, err = expr.new(fault.when)
        if not compiled then
            core.log.error("a fault never happens, its conditions cannot be used: ", err)
        end
        conditions[fault] = compiled or false
    end

    return compiled and compiled:eval(ctx.var)
end


-- Counts the request among those that suffer a fault, once; false where there are as many as there may be.
local function suffer(ctx, fault)
    local state = ctx.amesh
    if state.suffers then
        return true
    end
    if fault.max_active and active >= fault.max_active then
        return false
    end

    state.suffers = true
    active = active + 1
    return true
end


local function limit_rate(ctx, fault)
    local kbps, ppm = asked(ctx, fault.rate, fault.rate.kbps,
                            "x-envoy-fault-throughput-response", "x-envoy-fault-throughput-response-percentage")
    if kbps and kbps > 0 and happens(ppm) and suffer(ctx, fault) then
        ngx.var.limit_rate = floor(kbps * KIB)
    end
end


local function delay(ctx, fault)
    local part = fault.delay
    local wanted, ppm = asked(ctx, part, part.seconds,
                              "x-envoy-fault-delay-request", "x-envoy-fault-delay-request-percentage")
    if part.header_unit and wanted then
        wanted = wanted / 1000
    end
    if wanted and wanted > 0 and happens(ppm) and suffer(ctx, fault) then
        sleep(wanted)
    end
end


local function abort(ctx, fault)
    local part = fault.abort
    local status, ppm = asked(ctx, part, part.status or part.grpc_status and 200,
                              "x-envoy-fault-abort-request", "x-envoy-fault-abort-request-percentage")
    local grpc_status = part.grpc_status
    if part.header_unit and not (status and status >= 200 and status < 600) then
        grpc_status = number(ctx, "x-envoy-fault-abort-grpc-request")
        status = grpc_status and 200
    end
    if status and happens(ppm) and suffer(ctx, fault) then
        return local_reply.send(ctx, status, BODY, grpc_status)
    end
end


-- Access phase. Waits, and does not return where the request is aborted.
function _M.inject(ctx, fault)
    if fault.when and not applies(ctx, fault) then
        return
    end

    if fault.rate then
        limit_rate(ctx, fault)
    end
    if fault.delay then
        delay(ctx, fault)
    end
    if fault.abort then
        return abort(ctx, fault)
    end
end


-- Log phase: the request is over.
function _M.forget(ctx)
    if ctx.amesh and ctx.amesh.suffers then
        ctx.amesh.suffers = nil
        active = active - 1
    end
end


return _M
