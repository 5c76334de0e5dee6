-- Takes a commit over into the kinds of a process: all of them at once, or, where it is large, in slices whose states
-- in between can be served.
local log = require("apisix.core.log")
local live = require("apisix.amesh.live")
local slices = require("apisix.amesh.slices")
local sparse_kind = require("apisix.amesh.sparse_kind")

local ipairs = ipairs
local next = next
local pairs = pairs
local pcall = pcall

local _M = {}

-- objects in a commit that is still applied without a pause
local LARGE = 200
-- what is named comes before what names it
local ORDER = { "/amesh_secrets", "/tls_contexts", "/ssls", "/upstreams", "/routes", "/stream_routes", "/virtual_hosts",
                "/listeners" }
local ORDERED = {}
for _, kind in ipairs(ORDER) do
    ORDERED[kind] = true
end

local kinds = {}        -- key -> provider object
-- objects of kinds that nobody has asked for yet: kind -> modifiedIndex -> { id -> json }
local unclaimed = {}


function _M.init(created)
    kinds = created
end


-- Whether a change of this key has to be read when it comes.
function _M.needs(key)
    local kind, id = live.split(key)
    local obj = kinds[kind]
    if not obj then
        return not sparse_kind.takes(kind)
    end

    while obj do
        if obj:needs(id) then
            return true
        end
        obj = obj.also
    end
    return false
end


-- Whether nobody has to hear of a kind's objects when everything is read: none has been used, and none is indexed.
function _M.skips(kind)
    if not sparse_kind.takes(kind) then
        return false
    end

    local obj = kinds[kind]
    while obj do
        if not obj.sparse or obj.tracker or next(obj.items) ~= nil then
            return false
        end
        obj = obj.also
    end
    return true
end


local function keep_unclaimed(kind, objects, removed, modified_index)
    if sparse_kind.takes(kind) and not sparse_kind.is_indexed(kind) then
        return      -- whoever asks for one finds it in the zone
    end
    if removed == true then
        unclaimed[kind] = next(objects) and { [modified_index] = objects } or nil
        return
    end

    local kept = unclaimed[kind] or {}
    for _, older in pairs(kept) do
        for id in pairs(objects) do
            older[id] = nil
        end
        for _, id in ipairs(removed) do
            older[id] = nil
        end
    end

    kept[modified_index] = next(objects) and objects or nil
    unclaimed[kind] = kept
end


local function read_all(kind)
    local objects = {}
    for _, id in ipairs(live.ids_of(kind)) do
        objects[id] = (live.read(kind .. "/" .. id))
    end
    return objects
end


-- Before nginx's processes are made: brings an index up to what has been read, so that each of them has it.
function _M.prepare(kind, tracker)
    for index, objects in pairs(unclaimed[kind] or {}) do
        for id in pairs(objects) do
            tracker.set(id, true)
        end
        tracker.prepared = index
    end
end


-- Gives a kind that has just been asked for what is there of it.
function _M.claim(obj)
    if obj.also then
        -- somebody else has had what came until now
        return not obj.sparse and obj:claim(read_all(obj.key), live.applied())
    end

    local kept = unclaimed[obj.key]
    unclaimed[obj.key] = nil
    for index, objects in pairs(kept or {}) do
        obj:claim(objects, index)
    end
end


-- Not a closure over them: what the JIT compiler makes of a loop that calls one keeps the closure, and with it the
-- whole change.
local function entry_of(grouped, change, kind)
    local entry = grouped[kind]
    if not entry then
        entry = { objects = {}, commits = {}, removed = change.full or {} }
        grouped[kind] = entry
    end
    return entry
end


local function group(change, step)
    local grouped = {}
    for key, text in pairs(change.objects) do
        local kind, id = live.split(key)
        local entry = entry_of(grouped, change, kind)
        entry.objects[id] = text
        entry.commits[id] = change.commits[key]
        step()
    end

    if change.full then
        for kind in pairs(kinds) do
            entry_of(grouped, change, kind)
        end
        for kind in pairs(unclaimed) do
            entry_of(grouped, change, kind)
        end
    else
        for _, key in ipairs(change.removed) do
            local kind, id = live.split(key)
            local removed = entry_of(grouped, change, kind).removed
            removed[#removed + 1] = id
        end
    end

    return grouped
end


local function apply_kind(kind, entry, removed, version, step)
    local obj = kinds[kind]
    if not obj or not obj.automatic then
        return keep_unclaimed(kind, entry.objects, entry.removed, version)
    end

    while obj do
        local ok, err = pcall(obj.update, obj, entry.objects, removed, version, step, entry.commits)
        if not ok then
            log.error("failed to apply commit ", version, " to ", kind, ": ", err)
        end
        obj = obj.also
    end
end


local function take_over(change, step, in_slices)
    local grouped = group(change, step)
    for _, kind in ipairs(ORDER) do
        local entry = grouped[kind]
        if entry then
            apply_kind(kind, entry, in_slices and {} or entry.removed, change.version, step)
        end
    end

    for kind, entry in pairs(grouped) do
        if not ORDERED[kind] then
            apply_kind(kind, entry, entry.removed, change.version, step)
        end
    end

    for place = in_slices and #ORDER or 0, 1, -1 do
        local entry = grouped[ORDER[place]]
        if entry then
            apply_kind(ORDER[place], entry, entry.removed, change.version, step)
        end
    end
end


local function is_large(change)
    if change.full or #change.removed > LARGE then
        return true
    end

    local count = 0
    for _ in pairs(change.objects) do
        count = count + 1
    end
    return count > LARGE
end


-- A commit of the usual size is applied at once. What takes longer is done in slices where the phase allows.
function _M.apply(change, step)
    local in_slices = step ~= slices.none and is_large(change)
    live.set_applied(change.version)
    take_over(change, in_slices and step or slices.none, in_slices)
end


-- What was read while it was newer than what is in force is looked at again, now that nothing is being written.
function _M.look_again()
    for key in pairs(live.take_newer() or {}) do
        local kind, id = live.split(key)
        local obj = kinds[kind]
        while obj do
            if obj.renew then
                obj:renew(id)
            end
            obj = obj.also
        end
    end
end


return _M
