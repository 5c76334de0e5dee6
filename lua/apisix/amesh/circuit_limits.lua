-- What a cluster's circuit breakers allow: the upstream's label amesh_circuit_breaker:
--   {"max_connections":1,"max_pending":1,"max_requests":1024,"max_retries":3,"retry_budget":20,"min_retries":3,
--    "high":{...}}
-- with the limits of routes of high priority in `high`. The label amesh_drop: requests of a million that are refused
-- for nothing.
local core = require("apisix.core")
local counts = require("apisix.amesh.worker_counts")

local setmetatable = setmetatable
local tonumber = tonumber
local type = type

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local LABEL = "amesh_circuit_breaker"
local DROP_LABEL = "amesh_drop"


local function limits_of(conf, scope)
    if conf then
        conf.scope = scope
    end
    return conf or nil
end


local function compile(upstream)
    local labels = type(upstream.labels) == "table" and upstream.labels or {}
    local drop = tonumber(labels[DROP_LABEL])
    local text = labels[LABEL]
    local conf = text and core.json.decode(text)
    if conf and not counts.usable() then
        core.log.error("circuit breakers need the shared dictionary ", counts.DICTIONARY, "; ", upstream.id,
                       " has no limits")
        conf = nil
    end
    if not conf and not drop then
        return false
    end

    local high = conf and conf.high
    local has_limits = conf and (conf.max_connections or conf.max_pending or conf.max_requests or conf.max_retries
                                 or conf.retry_budget)
    -- A subset of a cluster counts with the cluster, and so do its endpoints of each kind of TLS.
    local scope = labels.amesh_cluster or upstream.id
    return {
        drop = drop,
        default = limits_of(has_limits and conf, scope .. "#default"),
        high = limits_of(high, scope .. "#high"),
    }
end


-- Labels of what stands for the destinations of an ORIGINAL_DST cluster. from: what the cluster says besides.
function _M.labels(from)
    return from.circuit_breaker and { [LABEL] = from.circuit_breaker, amesh_cluster = from.cluster } or nil
end


-- { drop, default, high } of an upstream, each with the name that it counts under in `scope`; false without any limit.
function _M.of(upstream)
    local known = compiled[upstream]
    if known == nil then
        known = compile(upstream)
        compiled[upstream] = known
    end
    return known
end


return _M
