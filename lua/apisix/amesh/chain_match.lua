-- Which of the filter chains of one destination takes a connection, as Envoy ranks them: server name (exact, longest
-- wildcard, any), transport protocol, application protocol, source. What ranks first decides alone: when the chains of
-- the best server name do not fit otherwise, those of a less specific name are not looked at.
local prefix_table = require("apisix.amesh.prefix_table")

local find = string.find
local ipairs = ipairs
local sub = string.sub

local _M = {}

local ANY = ""
local ANY_ONLY = { ANY }
local NO_PREFIX = { false }
local ANY_PORT = { 0 }
local NONE = {}
local LOOPBACK = { ["127.0.0.1"] = true, ["::1"] = true }


local function entry(map, key)
    local value = map[key]
    if not value then
        value = {}
        map[key] = value
    end
    return value
end


local function prefix_entry(ranges, prefix, new)
    local value = ranges:at(prefix)
    if not value then
        value = new()
        ranges:put(prefix, value)
    end
    return value
end


local function new_map()
    return {}
end


local function add_sources(types, chain)
    local kind = chain.source_type or ANY
    if not types[kind] then
        types[kind] = prefix_table.new()
    end

    for _, prefix in ipairs(chain.source_prefixes or NO_PREFIX) do
        local ports = prefix_entry(types[kind], prefix or nil, new_map)
        ports.listed = ports.listed or chain.source_ports ~= nil
        for _, port in ipairs(chain.source_ports or ANY_PORT) do
            -- two chains with one match: Envoy takes none of them, here the first is as good as any
            ports[port] = ports[port] or chain
        end
    end
end


local function add(names, chain)
    for _, name in ipairs(chain.server_names or ANY_ONLY) do
        -- "*.example.com" is looked up as ".example.com"
        local transports = entry(names, sub(name, 1, 1) == "*" and sub(name, 2) or name)
        local protocols = entry(transports, chain.transport or ANY)
        for _, protocol in ipairs(chain.alpn or ANY_ONLY) do
            protocols[protocol] = protocols[protocol] or prefix_table.new()
            for _, prefix in ipairs(chain.direct_source_prefixes or NO_PREFIX) do
                add_sources(prefix_entry(protocols[protocol], prefix or nil, new_map), chain)
            end
        end
    end
end


-- A table that `find` looks things up in.
function _M.compile(chains)
    local names = {}
    for _, chain in ipairs(chains) do
        add(names, chain)
    end
    return names
end


local function by_server_name(names, name)
    local found = names[name]
    if found then
        return found
    end

    local dot = find(name, ".", 2, true)
    while dot and dot < #name do
        found = names[sub(name, dot)]
        if found then
            return found
        end
        dot = find(name, ".", dot + 1, true)
    end
    return names[ANY]
end


local function by_protocol(protocols, offered)
    for _, protocol in ipairs(offered) do
        if protocols[protocol] then
            return protocols[protocol]
        end
    end
    return protocols[ANY]
end


local function by_source_range(ranges, connection)
    if not ranges:has_ranges() then
        return ranges.any
    end
    return ranges:find(connection.source_ip)
end


local function by_source_type(types, connection)
    local same, external = types.same_ip_or_loopback, types.external
    if same or external then
        local source = connection.source_ip
        if LOOPBACK[source] or source == connection.destination_ip then
            return same or types[ANY]
        end
        return external or types[ANY]
    end
    return types[ANY]
end


-- compiled: from `compile`. transport, sni, alpn: what is known of the connection.
function _M.find(compiled, connection, transport, sni, alpn)
    local transports = by_server_name(compiled, sni or ANY)
    local protocols = transports and (transports[transport] or transports[ANY])
    local direct = protocols and by_protocol(protocols, alpn or NONE)
    local types = direct and by_source_range(direct, connection)
    local sources = types and by_source_type(types, connection)
    local ports = sources and by_source_range(sources, connection)
    return ports and (ports.listed and ports[connection.source_port] or ports[0])
end


return _M
