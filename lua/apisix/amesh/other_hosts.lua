-- Which endpoint a retry goes to. APISIX's balancers never choose a host twice and give up when all were tried. Envoy
-- passes over hosts that were tried only if the policy says so, and after as many draws takes what it drew.
local core = require("apisix.core")
local outlier = require("apisix.amesh.outlier")

local require = require

local _M = {}

local NONE = {}

-- A hash draws the same host each time; Envoy goes on along its ring.
local ALONG_THE_RING = { amesh_hash = true, chash = true }


local function forget_tried(ctx, picker)
    if picker.before_retry_next_priority then
        picker.before_retry_next_priority(ctx)
    elseif ctx.balancer_tried_servers then
        core.tablepool.release("balancer_tried_servers", ctx.balancer_tried_servers)
        ctx.balancer_tried_servers = nil
    end

    ctx.balancer_tried_servers_count = 0
    ctx.priority_balancer_picker_idx = nil
    outlier.avoid(ctx, ctx.upstream_conf)
end


local function along_the_ring(ctx, inner)
    local server, err = inner.get(ctx)
    if server then
        return server
    end

    forget_tried(ctx, inner)
    server = inner.get(ctx)
    return server, err
end


local function draw(ctx, inner, times)
    local tried = ctx.amesh.tried or NONE
    local server, err
    for _ = 1, times do
        forget_tried(ctx, inner)
        server, err = inner.get(ctx)
        if not server or not tried[server] then
            break
        end
    end
    return server, err
end


local function retrying_picker(inner, policy, kind)
    return {
        amesh = true,
        upstream = inner.upstream,
        addr_to_domain = inner.addr_to_domain,
        before_retry_next_priority = inner.before_retry_next_priority,
        after_balance = inner.after_balance,
        get = function(ctx)
            local avoid = policy and policy.previous_hosts
            if avoid and ALONG_THE_RING[kind] then
                return along_the_ring(ctx, inner)
            end
            return draw(ctx, inner, avoid and policy.host_attempts + 1 or 1)
        end,
    }
end


-- To be called before a retry's host is chosen.
function _M.prepare(ctx)
    local state = ctx.amesh
    if state.last_host then
        state.tried = state.tried or {}
        state.tried[state.last_host] = true
    end

    local inner = ctx.server_picker
    if inner and not inner.amesh then
        ctx.server_picker = retrying_picker(inner, state.policy, ctx.upstream_conf.type)
    end
end


-- Chooses one outside the balancer phase.
function _M.pick(ctx)
    _M.prepare(ctx)

    -- reports to health checkers are for the balancer phase
    local checker = ctx.up_checker
    ctx.up_checker = nil
    local server, err = require("apisix.balancer").pick_server(ctx.matched_route, ctx)
    ctx.up_checker = checker
    return server, err
end


return _M
