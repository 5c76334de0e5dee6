-- The hosts that earlier tries of a request went to, in the fields that APISIX's own balancers use.
local core = require("apisix.core")

local pairs = pairs

local _M = {}

local POOL = "balancer_tried_servers"


function _M.of(ctx)
    return ctx.balancer_tried_servers
end


function _M.forget(ctx)
    if ctx.balancer_tried_servers then
        core.tablepool.release(POOL, ctx.balancer_tried_servers)
        ctx.balancer_tried_servers = nil
    end
    ctx.balancer_tried_servers_count = 0
end


local function remember(ctx, host)
    if not ctx.balancer_tried_servers then
        ctx.balancer_tried_servers = core.tablepool.fetch(POOL, 0, 2)
    end
    if not ctx.balancer_tried_servers[host] then
        ctx.balancer_tried_servers[host] = true
        ctx.balancer_tried_servers_count = (ctx.balancer_tried_servers_count or 0) + 1
    end
end


-- Hosts of a set are passed over as if they had been tried.
function _M.add(ctx, hosts)
    for host in pairs(hosts) do
        remember(ctx, host)
    end
end


-- As APISIX calls it: before another try, and once at the end of the request.
function _M.after_balance(ctx, before_retry)
    local host = ctx.balancer_server
    ctx.balancer_server = nil

    if not before_retry then
        return _M.forget(ctx)
    end
    if host then
        remember(ctx, host)
    end
end


return _M
