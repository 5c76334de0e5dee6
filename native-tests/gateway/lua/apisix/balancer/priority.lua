-- A double of apisix.balancer.priority: the nodes of the highest priority first, the next when all were tried.
local core = require("apisix.core")

local _M = {}

function _M.new(up_nodes, upstream, kind)
    local priorities = up_nodes._priority_index
    core.table.sort(priorities, function(a, b)
        return a > b
    end)

    local pickers = {}
    for i, priority in ipairs(priorities) do
        pickers[i] = kind.new(up_nodes[priority], upstream, priority)
    end

    return {
        upstream = upstream,
        get = function(ctx)
            for i = ctx.priority_balancer_picker_idx or 1, #pickers do
                local server = pickers[i].get(ctx)
                if server then
                    ctx.priority_balancer_picker_idx = i
                    return server
                end
                pickers[i].before_retry_next_priority(ctx)
            end
            return nil, "all servers tried"
        end,
        after_balance = function(ctx, before_retry)
            local picker = pickers[ctx.priority_balancer_picker_idx]
            if picker then
                picker.after_balance(ctx, before_retry)
            end
        end,
    }
end

return _M
