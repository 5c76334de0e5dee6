-- Builds small meshes out of the objects that the translator writes.
local _M = {}

local A, B, C = "127.1.0.1", "127.1.0.2", "127.1.0.3"
_M.addresses = { A, B, C }

function _M.upstream(id, addresses, extra)
    local nodes = {}
    for i, one in ipairs(addresses) do
        local address, weight, port = one, 1, 18080
        if type(one) == "table" then
            address, weight, port = one[1], one[2] or 1, one[3] or 18080
        end
        nodes[i] = { host = address, port = port, weight = weight }
    end

    local upstream = { id = id, name = id, type = "roundrobin", nodes = nodes, scheme = "http", pass_host = "pass",
                       timeout = { connect = 10, send = 86400, read = 86400 } }
    for name, value in pairs(extra or {}) do
        upstream[name] = value
    end
    return { "/upstreams/" .. id, upstream }
end

local OF_LISTENER = { address = true, bound = true, original_dst = true, direction = true, inspect = true,
                      inspect_timeout = true,
                      destination_port = true, destination_prefix = true, chains = true, default_chain = true }

-- A listener with one chain for HTTP. Port 0: the listener for all that has none of its own.
-- extra: fields of the listener, or of its chain's HTTP side.
function _M.listener(id, port, route_config, extra)
    local http = { route_config = route_config, normalize_path = true }
    local listener = { id = id, name = id, address = "0.0.0.0", port = port, chains = { { name = "c", http = http } } }
    if port == 0 then
        listener.port, listener.original_dst, listener.bound = 15009, "handoff", true
        listener.direction = "outbound"
    end
    for name, value in pairs(extra or {}) do
        local target = OF_LISTENER[name] and listener or http
        target[name] = value
    end
    return { "/listeners/" .. id, listener }
end

-- routes: {{id, vars, plugin, upstream_id, extra}}
function _M.virtual_host(id, route_config, domains, routes, extra)
    local objects, ids = {}, {}
    for i, one in ipairs(routes) do
        ids[i] = one.id
        local vars = { { "amesh_route_config", "==", route_config } }
        for _, predicate in ipairs(one.vars or {}) do
            vars[#vars + 1] = predicate
        end
        local route = { id = one.id, name = one.id, uri = "/*", priority = 1000 - i, vars = vars,
                        labels = { amesh_virtual_host = id }, upstream_id = one.upstream_id,
                        enable_websocket = true, plugins = { amesh = one.plugin or {} } }
        for name, value in pairs(one.extra or {}) do
            route[name] = value
        end
        objects[i] = { "/routes/" .. one.id, route }
    end

    local virtual_host = { id = id, name = id, route_config = route_config, domains = domains, routes = ids }
    for name, value in pairs(extra or {}) do
        virtual_host[name] = value
    end
    objects[#objects + 1] = { "/virtual_hosts/" .. id, virtual_host }
    return objects
end

-- One list of objects from many.
function _M.of(...)
    local all = {}
    for _, part in ipairs({ ... }) do
        if type(part[1]) == "string" then
            part = { part }
        end
        for _, object in ipairs(part) do
            all[#all + 1] = object
        end
    end
    return all
end

return _M
