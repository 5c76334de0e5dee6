-- Envoy's circuit breakers for TCP: how many connections a cluster gets at a time, from all workers together. One more
-- than that is closed before an endpoint is tried, as Envoy's TCP proxy closes it; nobody waits. They are counted apart
-- from the HTTP side's, whose dictionary nginx's stream does not see.
--
-- max_pending limits connections that are being made, which nginx does not tell Lua code about: only the limit that
-- lets none through is kept.
local circuit_limits = require("apisix.amesh.circuit_limits")
local counts = require("apisix.amesh.worker_counts")

local _M = {}


-- Preread phase, when the cluster is chosen. True, or nil and why the connection is to be closed.
function _M.enter(ctx, upstream)
    local settings = circuit_limits.of(upstream)
    local limits = settings and settings.default
    if not limits then
        return true
    end
    if limits.max_pending == 0 then
        return nil, "its limits let no connection be made"
    end

    if limits.max_connections then
        local name = limits.scope .. "#connections"
        if not counts.take(name, limits.max_connections) then
            return nil, "it has as many connections as it may"
        end
        ctx.amesh.circuit = name
    end
    return true
end


-- Log phase, however the connection ended: what it held is free again.
function _M.leave(ctx)
    local state = ctx and ctx.amesh
    if state and state.circuit then
        counts.add(state.circuit, -1)
        state.circuit = nil
    end
end


return _M
