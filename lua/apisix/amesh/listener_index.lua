-- The mesh's listeners' objects by destination: an object of /listeners is one destination of a listener, a port or a
-- range of addresses. Of an object only the head is indexed; the rest is decoded when the first connection asks for it.
-- A change touches what changed.
--
-- Of each listener (listener_addresses.lua): ports = { [port, 0 for any] = prefix_table of lists of ids }, size = how
-- many objects it has.
local core = require("apisix.core")
local amesh_item = require("apisix.amesh.item")
local lists = require("apisix.amesh.lists")
local listener_addresses = require("apisix.amesh.listener_addresses")
local listener_head = require("apisix.amesh.listener_head")
local prefix_table = require("apisix.amesh.prefix_table")
local slices = require("apisix.amesh.slices")

local error = error
local ipairs = ipairs
local pairs = pairs
local sort = table.sort

local _M = {}
local objects
local seen_version
local refreshed = 0         -- objects that were found changed so far
local placed = {}           -- id -> { item, since = modifiedIndex, listener, group, port, prefix }
local by_age = lists.by_age(placed)

local NOTHING = {}


local function withdraw(id)
    local known = placed[id]
    if not known then
        return
    end

    placed[id] = nil
    local listener, group = known.listener, known.group
    local owners = group:at(known.prefix)
    lists.remove(owners, id)
    if #owners == 0 then
        group:put(known.prefix, nil)
    end
    if group:is_empty() then
        listener.ports[known.port] = nil
    end

    listener.size = listener.size - 1
    if listener.size == 0 then
        listener_addresses.drop(listener)
    end
end


local function place(id, item)
    local head = listener_head.of(item)
    if not head then
        return
    end

    local listener = listener_addresses.take(head)
    local port, prefix = head.destination_port or 0, head.destination_prefix
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
    placed[id] = { item = item, since = item.modifiedIndex, listener = listener, group = group, port = port,
                   prefix = prefix }
    sort(owners, by_age)
end


local function refresh(id)
    local item = objects:peek(id) or nil
    local known = placed[id]
    if known and known.item == item then
        return
    end

    refreshed = refreshed + 1
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


-- Grows with every change of a listener, also within a large commit that is taken over in slices.
function _M.version()
    _M.catch_up()
    return refreshed
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
