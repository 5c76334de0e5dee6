-- The mesh's listeners and their filter chains: which chain takes a connection. Loaded in HTTP and in stream alike.
--
-- A connection: {
--   local_port        the port that it arrived at (15001, 15006, a gateway's own)
--   destination_ip, destination_port   where it was going; when it was not captured its local end, or what it asks for
--   captured          false: it was made to this proxy itself. by_name: and says in HTTP where it wants to go
--   source_ip, source_port   read only where a chain asks for them
--   transport         "tls" or "raw_buffer"; sni; alpn (a list): what its first bytes say
-- }
local chain_match = require("apisix.amesh.chain_match")
local listener_addresses = require("apisix.amesh.listener_addresses")
local listener_index = require("apisix.amesh.listener_index")

local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local setmetatable = setmetatable

local at = listener_addresses.at
local catch_up = listener_index.catch_up
local some_value = listener_index.some_value
local value_of = listener_index.value_of

local _M = {
    init_worker = listener_index.init_worker,
    version = listener_index.version,
}

local compiled = setmetatable({}, { __mode = "k" })     -- value of an object -> chain_match's table

local NOTHING = {}
-- destinations that are remembered
local MOST = 4096
-- by local port, destination's port, destination's address: what is the same for all connections there (place_of), as
-- the listeners are at one version
local places, places_count, places_version = {}, 0, nil


-- The listener that the connection arrived at, as far as it can be told.
local function arrived_at(connection)
    local port = connection.local_port
    local bound = listener_addresses.bound(port)
    if not bound then
        return nil
    end

    if connection.destination_port == port then
        local own = at(connection.destination_ip, port)
        if own and own.bound then
            return own
        end
    end
    local any = at("*", port)
    return any and any.bound and any or bound[1]
end


-- Which listener of the mesh a connection belongs to.
local function resolve(connection)
    local listener = arrived_at(connection)
    if listener and listener.original_dst ~= "handoff" then
        return listener
    end

    -- else the port that nginx listens on is not one of the mesh's: as if it were the outbound one
    return at(connection.destination_ip, connection.destination_port) or listener or listener_addresses.outbound()
end


local function excepted(value, inspector, port)
    for _, ports in ipairs(value.inspect_except or NOTHING) do
        if ports.inspector == inspector and port >= ports.from and port <= ports.to then
            return true
        end
    end
    return false
end


local function group_of(listener, port)
    return listener.ports[port] or listener.ports[0]
end


-- Whether a connection that was made to this proxy itself is not for the listener there, which passes others on.
local function asks_by_name(listener, connection)
    return connection.captured == false and not connection.by_name and listener.original_dst ~= nil
end


local function inspected_value(listener, port)
    local value = some_value(group_of(listener, port)) or some_value(listener.ports[0])
    if not value then
        for _, group in pairs(listener.ports) do
            value = value or some_value(group)
        end
    end
    if not value or not value.inspect_except then
        return value
    end

    local inspect = {}
    for _, inspector in ipairs(value.inspect) do
        if not excepted(value, inspector, port) then
            inspect[#inspect + 1] = inspector
        end
    end
    return setmetatable({ inspect = inspect }, { __index = value })
end


local function inspects(value, inspector, port)
    for _, one in ipairs(value.inspect or NOTHING) do
        if one == inspector then
            return not excepted(value, inspector, port)
        end
    end
    return false
end


local function chains_of(value)
    local chains = compiled[value]
    if not chains then
        chains = chain_match.compile(value.chains)
        compiled[value] = chains
    end
    return chains
end


-- What there is at a connection's destination: { listener, group, value = the object whose chains are looked at,
-- chains = the same compiled, sees_tls, sees_http = what its inspectors tell the chains }
local function make_place(connection)
    local listener = resolve(connection)
    if not listener then
        return NOTHING
    end

    local port = connection.destination_port
    local group = group_of(listener, port)
    local place = { listener = listener, group = group }
    local value = group and value_of(group:find(connection.destination_ip))
    if value then
        place.value, place.chains = value, chains_of(value)
        place.sees_tls, place.sees_http = inspects(value, "tls", port), inspects(value, "http", port)
    end
    return place
end


local function entry(map, key)
    local value = map[key]
    if not value then
        value = {}
        map[key] = value
    end
    return value
end


local function place_of(connection)
    local version = listener_index.version()
    if version ~= places_version or places_count >= MOST then
        places, places_count, places_version = {}, 0, version
    end

    local by_address = entry(entry(places, connection.local_port or 0), connection.destination_port)
    local place = by_address[connection.destination_ip or ""]
    if not place then
        place = make_place(connection)
        by_address[connection.destination_ip or ""] = place
        places_count = places_count + 1
    end
    return place
end


-- { inspect = {"tls", "http"}, inspect_timeout, continue_on_timeout, ... } for the connection: what to look at before
-- `match` can be asked. nil: the mesh has no listener for it.
function _M.listener(connection)
    local place = place_of(connection)
    local listener = place.listener
    if not listener or asks_by_name(listener, connection) then
        return nil
    end

    local value = place.inspected
    if not value then
        value = inspected_value(listener, connection.destination_port)
        place.inspected = value
    end
    return value
end


-- What the chains may know of the connection: no more than the listener's inspectors tell Envoy.
local function known_of(connection, place)
    if connection.transport == "tls" and place.sees_tls then
        return "tls", connection.sni and lower(connection.sni), connection.alpn
    end
    if connection.transport ~= "tls" and place.sees_http then
        return "raw_buffer", nil, connection.alpn
    end
    return "raw_buffer"
end


local function default_of(listener)
    local group = listener.ports[0]
    local value = group and value_of(group.any)
    return value and value.default_chain, value
end


-- The chain that takes the connection, and the listener's object that it stands in. nil, object: no chain takes it, it
-- is to be closed. nil, nil: the mesh has no listener for it.
function _M.match(connection)
    local place = place_of(connection)
    local listener = place.listener
    if not listener or asks_by_name(listener, connection) then
        return nil
    end

    if place.chains then
        local transport, sni, alpn = known_of(connection, place)
        local chain = chain_match.find(place.chains, connection, transport, sni, alpn)
        if chain then
            return chain, place.value
        end
    end

    local chain, base = default_of(listener)
    return chain, place.value or base or some_value(place.group) or NOTHING
end


-- Does the mesh have a listener of its own at this address, one that is not for connections going elsewhere?
function _M.has(ip, port)
    catch_up()
    local listener = at(ip, port)
    return listener ~= nil and listener.original_dst == nil
end


-- Is this the port of a listener that is for connections going elsewhere?
function _M.is_for_others(port)
    catch_up()
    for _, listener in ipairs(listener_addresses.bound(port) or NOTHING) do
        if listener.original_dst then
            return true
        end
    end
    return false
end


return _M
