-- The objects of a kind of which a worker holds only what it has used: the others are in the zone, and are read there
-- when they are asked for. What callers see is the same as of any other kind; `values` and `values_hash` are made anew
-- whenever somebody reads them.
local amesh_item = require("apisix.amesh.item")
local live = require("apisix.amesh.live")

local md5_bin = ngx.md5_bin
local pairs = pairs
local tostring = tostring


local _M = {}

-- Kinds that can grow with the mesh and whose items are asked for by id.
local SPARSE = {
    ["/routes"] = true,
    ["/upstreams"] = true,
    ["/virtual_hosts"] = true,
    ["/tls_contexts"] = true,
    ["/amesh_secrets"] = true,
}


-- Those of them that the HTTP side has an index of.
local INDEXED = { ["/routes"] = true, ["/virtual_hosts"] = true }


local function no_step()
end


function _M.takes(key)
    return SPARSE[key] == true
end


-- Whether somebody will want to hear of every object of the kind.
function _M.is_indexed(key)
    return INDEXED[key] == true
end


-- obj: a provider object with the options of its kind; gets the fields that the functions here work on.
function _M.init(obj)
    obj.sparse = true
    obj.conf_version = 0
    obj.items = {}          -- id -> item that has been used; false: it cannot be used
    obj.digests = {}        -- id -> MD5 of the text of an item
    obj.refused = {}        -- id -> why its newest text could not be used
    obj.tracker = nil       -- see `track`
    obj.item_mt = amesh_item.metatable(obj)
    return obj
end


function _M.key_of(self, id)
    return self.key .. "/" .. id
end


-- Whether a change of this object has to be read with its commit. Who keeps an index reads one object after the other,
-- so that the whole mesh is never held at once.
function _M.needs(self, id)
    return self.items[id] ~= nil
end


-- An item is being used: its text is not part of it any longer.
function _M.forget_text(self, id, text)
    self.digests[id] = md5_bin(text)
end


-- An item turned out to be invalid when it was first used: its place goes to the last good one, or it is gone.
function _M.replace_invalid(self, id, item, previous, why)
    if self.items[id] == item then
        self.refused[id] = tostring(why)
        self.items[id] = previous or false
    end
end


local function drop(self, id)
    amesh_item.clean(self.items[id])
    self.items[id] = nil
    self.digests[id] = nil
    self.refused[id] = nil
end


-- What is held of an object gives way to a new text. An unused object leaves nothing behind.
local function take_over(self, id, text, modified_index)
    local item = self.items[id]
    if item == nil or self.digests[id] == md5_bin(text) then
        return false
    end

    if item == false then
        drop(self, id)
        return true
    end

    self.items[id] = amesh_item.new(self.item_mt, id, text, modified_index, item)
    self.digests[id] = md5_bin(text)
    self.refused[id] = nil
    amesh_item.clean(item)
    return true
end


-- What is there when the kind is first asked for: remembered for who wants to index it.
function _M.claim(self, objects, modified_index)
    self.claimed = self.claimed or {}
    for id in pairs(objects) do
        self.claimed[id] = modified_index
    end
end


-- For whoever keeps an index of all objects of the kind. tracker: a table of functions
--   set(id, text, modified_index)   there is this object; text is `true` when it is not at hand
--   remove(id)                      it is gone
--   known()                         a table with the ids that are in the index as keys
--   done()                          a change has been taken over; may be missing
-- tracker.prepared: the commit that the index is at already, where it was made before nginx's processes were.
function _M.track(self, tracker)
    self.tracker = tracker
    local there = self.claimed
    self.claimed = nil
    if not there then
        there = {}
        for _, id in pairs(live.ids_of(self.key)) do
            there[id] = live.applied()
        end
    end

    for id in pairs(tracker.known()) do
        if not there[id] then
            tracker.remove(id)
        end
    end
    for id, index in pairs(there) do
        if not tracker.prepared or index > tracker.prepared then
            tracker.set(id, true)
        end
    end

    if tracker.done then
        tracker.done()
    end
end


-- Takes over a change. objects: id -> text, or `true` where `needs` says that it need not be known. removed: ids, or
-- true for "all that objects does not name". step: called once per object; may yield.
function _M.update(self, objects, removed, modified_index, step, commits)
    step = step or no_step
    local tracker = self.tracker
    for id, text in pairs(objects) do
        local index = commits and commits[id] or modified_index
        if text ~= true then
            take_over(self, id, text, index)
        end
        if tracker then
            tracker.set(id, text, index)
        end
        step()
    end

    if removed == true then
        removed = {}
        for _, known in pairs({ self.items, self.refused, tracker and tracker.known() or {} }) do
            for id in pairs(known) do
                removed[#removed + 1] = objects[id] == nil and id or nil
            end
        end
    end
    for _, id in pairs(removed) do
        drop(self, id)
        if tracker then
            tracker.remove(id)
        end
    end

    if tracker and tracker.done then
        tracker.done()
    end
    self.conf_version = self.conf_version + 1
end


local function read(self, id)
    local text, modified_index = live.read(self:key_of(id))
    if not text then
        return nil
    end

    local item = amesh_item.new(self.item_mt, id, text, modified_index)
    self.items[id] = item
    self.digests[id] = md5_bin(text)
    return item
end


-- The item, decoded; nil when there is none that can be used.
function _M.get(self, id)
    id = tostring(id)
    local item = self.items[id]
    if item == nil then
        item = read(self, id)
    end
    if not item or amesh_item.is_decoded(item) then
        return item or nil
    end

    amesh_item.touch(item)
    item = self.items[id] or nil

    -- what it names is gone: then it has changed, too, after it was read
    if item and self.read_references and not self.read_references(item.value) and _M.renew(self, id) then
        return _M.get(self, id)
    end
    return item
end


-- The item if it has been used; nothing is read for it.
function _M.peek(self, id)
    return self.items[tostring(id)] or nil
end


-- Looks whether the zone has something newer of an object than what is held or was indexed; true when it has. For who
-- finds that what an object names is gone: then a commit that has not been applied yet has changed the object, too.
function _M.renew(self, id)
    local text, modified_index = live.read(self:key_of(id))
    local changed = true
    if text then
        changed = take_over(self, id, text, modified_index)
    else
        drop(self, id)
    end

    local tracker = self.tracker
    if tracker and text then
        tracker.set(id, text, modified_index)
    elseif tracker then
        tracker.remove(id)
    end
    if tracker and tracker.done then
        tracker.done()
    end

    self.conf_version = self.conf_version + 1
    return changed
end


function _M.used(self)
    local count = 0
    for _, item in pairs(self.items) do
        count = count + (item and 1 or 0)
    end
    return count
end


-- All items in an array, as iterators want them, and their places by id.
function _M.all(self)
    local values, hash = {}, {}
    for _, id in pairs(live.ids_of(self.key)) do
        local item = self.items[id]
        if item == nil then
            item = amesh_item.waiting(self.item_mt, id)
            self.items[id] = item
        end
        if item then
            values[#values + 1] = item
            hash[id] = #values
        end
    end
    return values, hash
end


return _M
