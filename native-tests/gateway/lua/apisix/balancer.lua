-- A double of apisix.balancer: which endpoint, how often, with which timeouts.
local core = require("apisix.core")
local balancer = require("ngx.balancer")
local priority_balancer = require("apisix.balancer.priority")

local _M = {}
local pickers = setmetatable({}, { __mode = "k" })     -- upstream configuration -> picker

local function create_picker(conf)
    local by_priority, priorities = {}, {}
    for _, node in ipairs(conf.nodes) do
        local nodes = by_priority[node.priority]
        if not nodes then
            nodes = {}
            by_priority[node.priority] = nodes
            priorities[#priorities + 1] = node.priority
        end
        nodes[node.host .. ":" .. node.port] = node.weight
    end

    local kind = require("apisix.balancer." .. conf.type)
    local picker
    if #priorities > 1 then
        by_priority._priority_index = priorities
        picker = priority_balancer.new(by_priority, conf, kind)
    else
        picker = kind.new(by_priority[priorities[1]], conf, priorities[1])
    end
    picker.addr_to_domain = {}
    return picker
end

function _M.pick_server(_, ctx)
    local conf = ctx.upstream_conf
    local count = #conf.nodes
    if count == 1 then
        local node = conf.nodes[1]
        ctx.balancer_ip, ctx.balancer_port = node.host, node.port
        return node
    end

    ctx.balancer_try_count = (ctx.balancer_try_count or 0) + 1
    if ctx.balancer_try_count > 1 and ctx.server_picker and ctx.server_picker.after_balance then
        ctx.server_picker.after_balance(ctx, true)
    end

    local picker = ctx.server_picker or pickers[conf]
    if not picker then
        picker = create_picker(conf)
        pickers[conf] = picker
    end

    local server, err = picker.get(ctx)
    if not server then
        return nil, "failed to find valid upstream server, " .. (err or "no valid upstream node")
    end

    ctx.balancer_server = server
    ctx.server_picker = picker
    local host, port = core.utils.parse_addr(server)
    ctx.balancer_ip, ctx.balancer_port = host, port
    return { host = host, port = port, domain = picker.addr_to_domain[server] }
end

local function set_balancer_opts(route, ctx)
    local conf = ctx.upstream_conf
    local timeout = route.value.timeout or conf.timeout
    if timeout then
        balancer.set_timeouts(timeout.connect, timeout.send, timeout.read)
    end

    local retries = conf.retries
    if not retries or retries < 0 then
        retries = #conf.nodes - 1
    end
    if retries > 0 then
        balancer.set_more_tries(retries)
    end
end

function _M.run(route, ctx, plugin_funcs)
    local server, err
    if ctx.picked_server then
        server = ctx.picked_server
        ctx.picked_server = nil
        set_balancer_opts(route, ctx)
    else
        server, err = _M.pick_server(route, ctx)
        if not server then
            core.log.error("failed to pick server: ", err)
            return core.response.exit(502)
        end

        local _, run = plugin_funcs("before_proxy")
        if run then
            balancer.recreate_request()
        end
    end

    local ok
    ok, err = balancer.set_current_peer(server.host, server.port)
    if not ok then
        core.log.error("failed to set server peer: ", err)
        return core.response.exit(502)
    end
    ctx.proxy_passed = true
end

return _M
