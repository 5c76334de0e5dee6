-- The objects of one kind, such as /routes, as the rest of APISIX reads them: `values` (an array with `false` where an
-- object was removed), `values_hash` (id to its place in it), `conf_version`, and the items themselves. Kinds that grow
-- with the mesh are in sparse_kind.lua.
local amesh_item = require("apisix.amesh.item")

local ipairs = ipairs
local pairs = pairs
local md5_bin = ngx.md5_bin
local next = next
local tostring = tostring


local _M = {}

-- tombstones in `values` before it is rewritten
local MAX_HOLES = 100
-- changes remembered for a reader of `take_changes` before it is told to look at everything
local MAX_CHANGES = 10000

-- Kinds whose items nobody looks at before a request needs them. The others have filters that do work of their own
-- (loading plugins, indexing certificates) and are decoded when they come.
local LAZY = {
    ["/services"] = true,
    ["/listeners"] = true,
    ["/stream_routes"] = true,
}


local function no_step()
end


-- obj: a provider object with the options of its kind; gets the fields that the functions here work on.
function _M.init(obj, track_changes)
    obj.conf_version = 0
    obj.values = {}
    obj.values_hash = {}
    obj.digests = {}        -- id -> MD5 of the text of what has been used, to tell what a full read changes
    obj.refused = {}        -- id -> why its newest text could not be used
    obj.holes = 0
    obj.changes = track_changes and {} or nil
    obj.changes_count = 0
    obj.changes_lost = false
    obj.item_mt = amesh_item.metatable(obj)
    return obj
end


function _M.key_of(self, id)
    return self.single_item and self.key or self.key .. "/" .. id
end


local function has_text(self, id, json)
    local index = self.values_hash[id]
    local item = index and self.values[index]
    local text = item and amesh_item.text(item)
    if text then
        return text == json
    end

    local digest = self.digests[id]
    return digest ~= nil and digest == md5_bin(json)
end


-- An item is being used: its text is not part of it any longer.
function _M.forget_text(self, id, text)
    self.digests[id] = md5_bin(text)
end


local function note_change(self, id)
    local changes = self.changes
    if not changes then
        return
    end

    if self.changes_count >= MAX_CHANGES then
        self.changes_lost = true
        return
    end

    if not changes[id] then
        changes[id] = true
        self.changes_count = self.changes_count + 1
    end
end


local function set_item(self, id, json, modified_index)
    local index = self.values_hash[id]
    local old = index and self.values[index]
    local item = amesh_item.new(self.item_mt, id, json, modified_index, old)

    if not index then
        index = #self.values + 1
        self.values_hash[id] = index
    end

    self.values[index] = item
    self.digests[id] = nil
    self.refused[id] = nil
    note_change(self, id)
    amesh_item.clean(old)
    return item
end


local function remove_item(self, id)
    self.digests[id] = nil
    self.refused[id] = nil
    local index = self.values_hash[id]
    if not index then
        return
    end

    amesh_item.clean(self.values[index])
    self.values[index] = false
    self.values_hash[id] = nil
    self.holes = self.holes + 1
    note_change(self, id)
end


local function compact(self)
    local values, hash = {}, {}
    for id, index in pairs(self.values_hash) do
        hash[index] = id
    end

    local by_id = {}
    for index, item in ipairs(self.values) do
        if item then
            values[#values + 1] = item
            by_id[hash[index]] = #values
        end
    end

    self.values, self.values_hash, self.holes = values, by_id, 0
end


-- An item turned out to be invalid when it was first used: its place goes to the last good one, or it is gone.
function _M.replace_invalid(self, id, item, previous, why)
    local index = self.values_hash[id]
    if not index or self.values[index] ~= item then
        return
    end

    self.refused[id] = tostring(why)

    if previous then
        self.values[index] = previous
    else
        self.values[index] = false
        self.values_hash[id] = nil
        self.holes = self.holes + 1
    end
    note_change(self, id)
end


local function remove_others(self, objects)
    local gone = {}
    for _, known in ipairs({ self.values_hash, self.digests }) do
        for id in pairs(known) do
            if objects[id] == nil then
                gone[id] = true
            end
        end
    end

    for id in pairs(gone) do
        remove_item(self, id)
    end
    return next(gone) ~= nil
end


-- Takes over a change. objects: id -> json. removed: ids, or true for "all that objects does not name". step: called
-- once per object; may yield. commits: id -> the commit that the object came with, where that is known.
function _M.update(self, objects, removed, modified_index, step, commits)
    step = step or no_step
    local fresh = {}
    for id, json in pairs(objects) do
        if not has_text(self, id, json) then
            fresh[#fresh + 1] = set_item(self, id, json, commits and commits[id] or modified_index)
        end
        step()
    end

    local changed = #fresh > 0
    if removed == true then
        changed = remove_others(self, objects) or changed
    else
        for _, id in ipairs(removed) do
            remove_item(self, id)
            changed = true
        end
    end

    if not changed then
        return
    end

    if self.holes > MAX_HOLES then
        compact(self)
    end

    self.conf_version = self.conf_version + 1

    if not LAZY[self.key] then
        for _, item in ipairs(fresh) do
            amesh_item.touch(item)
        end
    end

    -- whoever keeps an index of the kind brings it up to date here, so that no request has to
    if self.after_update then
        self.after_update(step)
    end
end


-- What is there when the kind is first asked for.
function _M.claim(self, objects, modified_index, commits)
    self:update(objects, {}, modified_index, nil, commits)
end


-- Every change is read when it comes.
function _M.needs()
    return true
end


function _M.get(self, key)
    local index = self.values_hash[tostring(key)]
    local item = index and self.values[index]
    if not item then
        return nil
    end

    if amesh_item.is_decoded(item) then
        return item
    end

    amesh_item.touch(item)
    index = self.values_hash[tostring(key)]
    item = index and self.values[index] or nil

    -- together with it, while they are sure to be there
    if item and self.read_references then
        self.read_references(item.value)
    end
    return item
end


-- The item without decoding it.
function _M.peek(self, key)
    local index = self.values_hash[tostring(key)]
    return index and self.values[index] or nil
end


-- Ids that changed since the last call, or nil when everything has to be looked at.
function _M.take_changes(self)
    local changes = self.changes
    local lost = self.changes_lost or not changes
    if changes then
        self.changes, self.changes_count, self.changes_lost = {}, 0, false
    end

    return not lost and changes or nil
end


-- How many objects there are.
function _M.used(self)
    local count = 0
    for _ in pairs(self.values_hash) do
        count = count + 1
    end

    return count
end


return _M
