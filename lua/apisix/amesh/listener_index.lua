-- The mesh's listeners by address, and the objects of each by destination: an object of /listeners is one destination
-- of a listener, a port or a range of addresses. Of an object only the destination is indexed; the rest is decoded when
-- the first connection asks for it. A change touches what changed.
local core = require("apisix.core")
local amesh_item = require("apisix.amesh.item")
local prefix_table = require("apisix.amesh.prefix_table")
local slices = require("apisix.amesh.slices")

local error = error
local find = string.find
local ipairs = ipairs
local match = string.match
local pairs = pairs
local remove = table.remove
local sort = table.sort
local sub = string.sub
local tonumber = tonumber

local _M = {}
local objects
local seen_version
-- Listeners are { key, address, port, bound, original_dst, direction, ports = { [port or 0] = prefix_table }, size }.
local by_address = {}       -- "ip port" -> listener; "* port" for any address
local bound_ports = {}      -- port -> list of listeners that Envoy would bind it for
local handing_on = {}       -- listeners that hand connections on to others
local placed = {}           -- id -> { item, listener, group, prefix }

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


-- To be called before anything below is asked for a connection.
function _M.catch_up()
    _M.init_worker()
    follow_changes(slices.none)
end


-- Grows with every change of a listener.
function _M.version()
    _M.catch_up()
    return objects.conf_version
end


-- The listener of an address; nil when there is none.
function _M.at(ip, port)
    return by_address[(ip or "") .. " " .. port] or by_address["* " .. port]
end


-- Listeners that Envoy would bind a port for; nil for none. The one for any address, where there is one, is at("*").
function _M.bound(port)
    return port and bound_ports[port]
end


-- The one that hands on what the application sends.
function _M.outbound()
    for _, listener in ipairs(handing_on) do
        if listener.direction ~= "inbound" then
            return listener
        end
    end
end


-- The youngest of the objects that claim a destination, decoded. One that turns out to be of no use gives way.
function _M.value_of(owners)
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
function _M.some_value(group)
    if not group then
        return nil
    end

    local value = _M.value_of(group.any)
    for _, family in ipairs({ 4, 16 }) do
        for _, entries in pairs(value and NOTHING or group[family].tables) do
            for _, owners in pairs(entries.values) do
                value = _M.value_of(owners)
                if value then
                    return value
                end
            end
        end
    end
    return value
end


return _M
