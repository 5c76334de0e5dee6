-- Objects as they are in the zone right now, for what a process did not keep when it read a commit.
--
-- The library leaves beside each object the number of the commit that it came with. So an object that is read late is
-- known to be what the last applied commit has, or to be newer: of a commit that is being written, or that the next
-- look at the commit number will find. A newer one is safe to use, since what it names was written before it, but it
-- may yet be taken back; it is noted here and looked at again when no commit is under way.
local format = string.format
local gsub = string.gsub
local next = next
local pairs = pairs
local str_byte = string.byte
local str_find = string.find
local str_sub = string.sub

local _M = {}
local config            -- handle of the dictionary
local applied = 0
local newer = {}        -- key -> true

local SLASH = str_byte("/")
-- parts of the writer's register of keys
local BUCKETS = 256


function _M.init_worker(config_zone)
    config = config_zone
end


-- commit: the one that is in force in this process from now on.
function _M.set_applied(commit)
    applied = commit
end


function _M.applied()
    return applied
end


-- The text of a key and its modifiedIndex; nil when it is not there. What is newer than the commit in force counts as
-- half a commit older than it will be, for it may be taken back and its number used again.
function _M.read(key)
    local text, commit
    if config then
        text, commit = config:get(key)
    end
    if not text then
        return nil
    end

    if commit > applied then
        newer[key] = true
        return text, commit - 0.5
    end

    return text, commit > 0 and commit or applied
end


-- Whether the library has written this key; without reading its text.
function _M.is_of_library(key)
    return (config:commit_of(key) or 0) > 0
end


-- Keys that were read while they were newer than what is in force; empty afterwards.
function _M.take_newer()
    if next(newer) == nil then
        return nil
    end

    local keys = newer
    newer = {}
    return keys
end


-- Adds the keys of a part of the register. No key of a kind that is skipped becomes a text of its own: of a large mesh
-- that would be most of what reading costs.
local function add_registered(found, text, skips)
    local from, size = 1, #text
    while from <= size do
        local stop = str_find(text, "\n", from, true) or size + 1
        local slash = str_find(text, "/", from + 1, true) or stop
        if stop > from and (slash >= stop or not skips(str_sub(text, from, slash - 1))) then
            found[#found + 1] = str_sub(text, from, stop - 1)
        end
        from = stop + 1
    end
end


local function skips_none()
    return false
end


-- Every key of a zone, and some that are gone. Only its own Lua VM can list a dictionary, the stream subsystem's
-- reads the writer's register. skips(kind): whether keys of that kind may be left out.
function _M.keys_of(zone, skips)
    if zone.get_keys then
        return zone:get_keys(0)
    end

    local found = {}
    for bucket = 0, BUCKETS do
        -- the last part is that of the user's own objects
        local text = zone:get(bucket < BUCKETS and format("amesh/keys/%02x", bucket) or "amesh/keys/own")
        if text then
            add_registered(found, text, skips or skips_none)
        end
    end
    return found
end


-- "/routes/1" is item "1" of "/routes"; "/plugins" is a kind with itself as its only item.
function _M.split(key)
    local slash = str_find(key, "/", 2, true)
    if not slash then
        return key, key
    end

    return str_sub(key, 1, slash - 1), str_sub(key, slash + 1)
end


-- kind -> { id -> true } of all that is in the zone; keys that the writer keeps for itself are not objects.
function _M.ids_by_kind()
    local kinds = {}
    for _, key in pairs(config and _M.keys_of(config) or {}) do
        if str_byte(key) == SLASH then
            local kind, id = _M.split(key)
            kinds[kind] = kinds[kind] or {}
            kinds[kind][id] = true
        end
    end
    return kinds
end


-- Ids of one kind, in an array.
function _M.ids_of(kind)
    local ids = {}
    local prefix = "^" .. gsub(kind, "%p", "%%%0") .. "/"
    for _, key in pairs(config and _M.keys_of(config) or {}) do
        local _, stop = str_find(key, prefix)
        if stop then
            ids[#ids + 1] = str_sub(key, stop + 1)
        end
    end
    return ids
end


return _M
