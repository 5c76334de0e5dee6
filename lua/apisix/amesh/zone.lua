-- Reads commits out of the two shared dictionaries that libxds.so writes.
--
-- The writer marks a commit with `amesh/pending` = N, stores and deletes objects, leaves `amesh/log/N`, and ends
-- with `version` = N. A reader is sure of what it read when `amesh/pending` is still N afterwards; otherwise it
-- throws the read away and comes back. Nothing here knows what an object means.
local str_byte = string.byte
local str_find = string.find
local format = string.format
local gmatch = string.gmatch
local str_sub = string.sub
local setmetatable = setmetatable
local ipairs = ipairs
local next = next


local _M = {}
local mt = { __index = _M }

local PLUS = str_byte("+")
local MINUS = str_byte("-")
local SLASH = str_byte("/")

-- What a reader that has nothing yet waits for a commit to end. Every prefix of a commit is safe to use.
local PATIENCE = 1

-- parts of the writer's register of keys
local BUCKETS = 256

-- How often a read of everything looks for what came meanwhile.
local MAX_ROUNDS = 10


local function no_step()
end


-- config, version: handles of the dictionaries `xds-config` and `xds-config-version`.
function _M.new(config, version)
    return setmetatable({
        config = config,
        version = version,
        applied = nil,      -- number of the last commit handed out
        waiting_since = nil,
    }, mt)
end


local function read_log_entry(text, changed)
    local from = 1
    while from <= #text do
        local stop = str_find(text, "\n", from, true) or #text + 1
        local sign = str_byte(text, from)
        local key = str_sub(text, from + 1, stop - 1)

        if sign == PLUS then
            changed[key] = true
        elseif sign == MINUS then
            changed[key] = false
        elseif stop > from then
            return false    -- "*": the commit was too large to be listed
        end

        from = stop + 1
    end

    return true
end


-- Keys that changed after commit `from` up to commit `to`; nil when the log does not reach back that far.
local function read_log(self, from, to)
    local first = self.version:get("amesh/log_first")
    if not first or from + 1 < first or to < from then
        return nil
    end

    local changed = {}
    for number = from + 1, to do
        local text = self.version:get("amesh/log/" .. number)
        if not text or not read_log_entry(text, changed) then
            return nil
        end
    end

    return changed
end


-- Every key, and some that are gone. Only its own VM can list a dictionary; the stream VM has the writer's register.
local function keys(self)
    if self.config.get_keys then
        return self.config:get_keys(0)
    end

    local found = {}
    for bucket = 0, BUCKETS - 1 do
        for key in gmatch(self.config:get(format("amesh/keys/%02x", bucket)) or "", "[^\n]+") do
            found[#found + 1] = key
        end
    end
    return found
end


local function read_all(self, step)
    local objects = {}
    for _, key in ipairs(keys(self)) do
        -- other keys are the writer's own
        if str_byte(key) == SLASH then
            objects[key] = self.config:get(key)
        end
        step()
    end

    return objects
end


local function read_changed(self, changed)
    local objects, removed = {}, {}
    for key, is_set in next, changed do
        local text = is_set and self.config:get(key)
        if text then
            objects[key] = text
        elseif is_set then
            return nil      -- being rewritten right now
        else
            removed[#removed + 1] = key
        end
    end

    return objects, removed
end


-- What was committed while everything was being read in slices, on top of it. Returns the commit that `objects` is then
-- at, or nil when the log does not reach back that far.
local function catch_up(self, objects, version)
    for _ = 1, MAX_ROUNDS do
        local pending = self.version:get("amesh/pending") or version
        if pending == version then
            return version
        end

        local newer = self.version:get("version")
        if pending ~= newer then
            return nil      -- being written right now
        end

        local changed = read_log(self, version, newer)
        local fresh, removed = read_changed(self, changed or {})
        if not changed or not fresh then
            return nil
        end

        for key, text in next, fresh do
            objects[key] = text
        end
        for _, key in ipairs(removed) do
            objects[key] = nil
        end
        version = newer
    end

    return nil
end


-- The change since the last call, or nil when there is none or when a commit is just being written.
--   { version = N, full = true,  objects = { [key] = json } }                      everything there is
--   { version = N, full = false, objects = { [key] = json }, removed = { key } }   what differs
-- now: seconds, any clock. step: called once per object of a long read; may yield.
function _M.poll(self, now, step)
    local version = self.version:get("version")
    if not version or version == self.applied then
        return nil
    end

    -- a writer that does not know Amesh's keys (the stock contract) sets `version` alone
    local pending = self.version:get("amesh/pending") or version
    local settled = pending == version
    if not settled then
        if self.applied then
            return nil
        end

        self.waiting_since = self.waiting_since or now
        if now - self.waiting_since < PATIENCE then
            return nil
        end
    end

    local change = { version = version }
    local changed = self.applied and read_log(self, self.applied, version)
    if changed then
        change.full = false
        change.objects, change.removed = read_changed(self, changed)
        if not change.objects or (self.version:get("amesh/pending") or version) ~= version then
            return nil
        end
    else
        change.full = true
        change.objects = read_all(self, step or no_step)
        if settled then
            change.version = catch_up(self, change.objects, version)
            if not change.version then
                return nil
            end
        end
    end

    self.applied = change.version
    return change
end


return _M
