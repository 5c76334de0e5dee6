-- The mesh's listeners and their filter chains: which chain takes a connection. Loaded in HTTP and in stream alike.
--
-- A connection: {
--   local_port        the port that it arrived at (15001, 15006, a gateway's own)
--   destination_ip, destination_port   where it was going; when it was not captured its local end, or what it asks for
--   captured          false: it was made to this proxy itself. by_name: and says in HTTP where it wants to go
--   source_ip, source_port
--   transport         "tls" or "raw_buffer"; sni; alpn (a list): what its first bytes say
-- }
-- Of a listener's objects only the destination is indexed; the rest is decoded when the first connection asks for it. A
-- change touches what changed.
local core = require("apisix.core")
local amesh_item = require("apisix.amesh.item")
local chain_match = require("apisix.amesh.chain_match")
local prefix_table = require("apisix.amesh.prefix_table")
local slices = require("apisix.amesh.slices")

local error = error
local find = string.find
local ipairs = ipairs
local lower = string.lower
local match = string.match
local pairs = pairs
local remove = table.remove
local setmetatable = setmetatable
local sort = table.sort
local sub = string.sub
local tonumber = tonumber

local _M = {}
local objects
local seen_version
local by_address = {}       -- "ip port" -> listener; "* port" for any address
local bound_ports = {}      -- port -> list of listeners that Envoy would bind it for
local handing_on = {}       -- listeners that hand connections on to others
local placed = {}           -- id -> { item, listener, group, prefix }
local compiled = setmetatable({}, { __mode = "k" })     -- value of an object -> chain_match's table

local ANY_ADDRESS = { ["0.0.0.0"] = true, ["::"] = true }
local NOTHING = {}


local function key_of(address, port)
    return (ANY_ADDRESS[address] and "*" or address) .. " " .. port
end


local HEAD_FIELDS = { '"address":', '"port":', '"original_dst":', '"bound":', '"direction":', '"destination_port":',
                      '"destination_prefix":' }

-- Whether all fields of the listener's own stand before this position, as the library writes them.
local function ends_head(text, position)
    for _, field in ipairs(HEAD_FIELDS) do
        if find(text, field, position, true) then
            return false
        end
    end
    return true
end


-- The destination and head of an object, without decoding one that nobody has asked for. What is in the chains could
-- say anything, but not with these names.
local function indexed_part(item)
    local text = amesh_item.text(item)
    local chains = text and find(text, '"chains":[', 1, true)
    if chains and ends_head(text, chains) then
        local head = sub(text, 1, chains)
        local address, port = match(head, '"address":"([^"\\]*)"'), match(head, '"port":(%d+)')
        local prefix = match(head, '"destination_prefix":"([^"\\]*)"')
        if address and port and (prefix or not find(head, '"destination_prefix":', 1, true)) then
            return {
                address = address,
                port = tonumber(port),
                original_dst = match(head, '"original_dst":"(%a+)"'),
                bound = find(head, '"bound":true', 1, true) ~= nil,
                direction = match(head, '"direction":"(%a+)"'),
                destination_port = tonumber(match(head, '"destination_port":(%d+)')),
                destination_prefix = prefix,
            }
        end
    end
    return item.value
end


local function without(values, value)
    for position, one in ipairs(values or NOTHING) do
        if one == value then
            remove(values, position)
            return
        end
    end
end


local function by_key(a, b)
    return a.key < b.key
end


-- Lists that more than one listener can be in are sorted, so that no order of arrival shows.
local function list(listener)
    if listener.bound then
        local bound = bound_ports[listener.port] or {}
        bound_ports[listener.port] = bound
        bound[#bound + 1] = listener
        sort(bound, by_key)
    end
    if listener.original_dst == "handoff" then
        handing_on[#handing_on + 1] = listener
        sort(handing_on, by_key)
    end
end


local function unlist(listener)
    without(bound_ports[listener.port], listener)
    if bound_ports[listener.port] and #bound_ports[listener.port] == 0 then
        bound_ports[listener.port] = nil
    end
    without(handing_on, listener)
end


local function listener_of(part)
    local key = key_of(part.address, part.port)
    local listener = by_address[key]
    if not listener then
        listener = { key = key, address = part.address, port = part.port, ports = {}, size = 0 }
        by_address[key] = listener
    end

    local bound = part.bound and true or false
    if listener.bound ~= bound or listener.original_dst ~= part.original_dst or listener.direction ~= part.direction
    then
        unlist(listener)
        listener.bound, listener.original_dst, listener.direction = bound, part.original_dst, part.direction
        list(listener)
    end
    return listener
end


local function by_age(a, b)
    local a_index, b_index = placed[a].item.modifiedIndex, placed[b].item.modifiedIndex
    if a_index == b_index then
        return a < b
    end
    return a_index < b_index
end


local function withdraw(id)
    local known = placed[id]
    if not known then
        return
    end

    placed[id] = nil
    local listener, group = known.listener, known.group
    local owners = group:at(known.prefix)
    without(owners, id)
    if #owners == 0 then
        group:put(known.prefix, nil)
    end
    if group:is_empty() then
        listener.ports[known.port] = nil
    end

    listener.size = listener.size - 1
    if listener.size == 0 then
        unlist(listener)
        by_address[listener.key] = nil
    end
end


local function place(id, item)
    local part = indexed_part(item)
    if not part or not part.address or not part.port then
        return
    end

    local listener = listener_of(part)
    local port, prefix = part.destination_port or 0, part.destination_prefix
    local group = listener.ports[port]
    if not group then
        group = prefix_table.new()
        listener.ports[port] = group
    end

    -- two objects can claim one destination for a moment, while one takes it over from the other: the younger has it
    local owners = group:at(prefix)
    if not owners then
        owners = {}
        group:put(prefix, owners)
    end
    owners[#owners + 1] = id
    listener.size = listener.size + 1
    placed[id] = { item = item, listener = listener, group = group, port = port, prefix = prefix }
    sort(owners, by_age)
end


local function refresh(id)
    local item = objects:peek(id) or nil
    local known = placed[id]
    if known and known.item == item then
        return
    end

    withdraw(id)
    if item then
        place(id, item)
    end
end


local function refresh_all(step)
    local ids = {}
    for id in pairs(objects.values_hash) do
        ids[#ids + 1] = id
    end
    for id in pairs(placed) do
        if not objects.values_hash[id] then
            ids[#ids + 1] = id
        end
    end
    for _, id in ipairs(ids) do
        refresh(id)
        step()
    end
end


local function follow_changes(step)
    if seen_version == objects.conf_version then
        return
    end

    local first = seen_version == nil
    seen_version = objects.conf_version
    local changes = objects.take_changes and objects:take_changes()
    if first or not changes then
        return refresh_all(step)
    end

    for id in pairs(changes) do
        refresh(id)
        step()
    end
end


function _M.init_worker()
    if objects then
        return
    end

    local err
    objects, err = core.config.new("/listeners", { automatic = true, track_changes = true })
    if not objects then
        error("failed to follow /listeners: " .. err)
    end

    follow_changes(slices.none)
    objects.after_update = follow_changes
end


local function refreshed()
    _M.init_worker()
    follow_changes(slices.none)
end


-- Grows with every change of a listener.
function _M.version()
    refreshed()
    return objects.conf_version
end


local function at(ip, port)
    return by_address[(ip or "") .. " " .. port] or by_address["* " .. port]
end


-- The listener that the connection arrived at, as far as it can be told.
local function arrived_at(connection)
    local port = connection.local_port
    local bound = port and bound_ports[port]
    if not bound then
        return nil
    end

    if connection.destination_port == port then
        local own = at(connection.destination_ip, port)
        if own and own.bound then
            return own
        end
    end
    local any = by_address["* " .. port]
    return any and any.bound and any or bound[1]
end


-- The port that nginx listens on is not one of the mesh's: as if it were the outbound one.
local function outbound()
    for _, listener in ipairs(handing_on) do
        if listener.direction ~= "inbound" then
            return listener
        end
    end
end


-- Which listener of the mesh a connection belongs to.
local function resolve(connection)
    refreshed()
    local listener = arrived_at(connection)
    if listener and listener.original_dst ~= "handoff" then
        return listener
    end

    return at(connection.destination_ip, connection.destination_port) or listener or outbound()
end


-- The youngest of the objects that claim a destination, decoded. One that turns out to be of no use gives way.
local function value_of(owners)
    while owners and #owners > 0 do
        local id = owners[#owners]
        local item = placed[id].item
        if amesh_item.is_decoded(item) or objects:get(id) == item then
            return item.value
        end
        refresh(id)
    end
end


-- Any object of a group: they all have the listener's own fields.
local function some_value(group)
    if not group then
        return nil
    end

    local value = value_of(group.any)
    for _, family in ipairs({ 4, 16 }) do
        for _, entries in pairs(value and NOTHING or group[family].tables) do
            for _, owners in pairs(entries.values) do
                value = value_of(owners)
                if value then
                    return value
                end
            end
        end
    end
    return value
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


-- { inspect = {"tls", "http"}, inspect_timeout, continue_on_timeout, ... } for the connection: what to look at before
-- `match` can be asked. nil: the mesh has no listener for it.
function _M.listener(connection)
    local listener = resolve(connection)
    if not listener or asks_by_name(listener, connection) then
        return nil
    end

    local port = connection.destination_port
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


-- What the chains may know of the connection: no more than the listener's inspectors tell Envoy.
local function known_of(connection, value, port)
    if connection.transport == "tls" and inspects(value, "tls", port) then
        return "tls", connection.sni and lower(connection.sni), connection.alpn
    end
    if connection.transport ~= "tls" and inspects(value, "http", port) then
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
    local listener = resolve(connection)
    if not listener or asks_by_name(listener, connection) then
        return nil
    end

    local port = connection.destination_port
    local group = group_of(listener, port)
    local value = group and value_of(group:find(connection.destination_ip))
    if value then
        local chains = compiled[value]
        if not chains then
            chains = chain_match.compile(value.chains)
            compiled[value] = chains
        end

        local transport, sni, alpn = known_of(connection, value, port)
        local chain = chain_match.find(chains, connection, transport, sni, alpn)
        if chain then
            return chain, value
        end
    end

    local chain, base = default_of(listener)
    return chain, value or base or some_value(group) or NOTHING
end


-- Does the mesh have a listener of its own at this address, one that is not for connections going elsewhere?
function _M.has(ip, port)
    refreshed()
    local listener = at(ip, port)
    return listener ~= nil and listener.original_dst == nil
end


-- Is this the port of a listener that is for connections going elsewhere?
function _M.is_for_others(port)
    refreshed()
    for _, listener in ipairs(bound_ports[port] or NOTHING) do
        if listener.original_dst then
            return true
        end
    end
    return false
end


return _M
