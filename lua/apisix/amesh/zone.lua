-- Reads commits out of the two shared dictionaries that libxds.so writes.
--
-- The writer marks a commit with `amesh/pending` = N, stores and deletes objects, leaves `amesh/log/N`, and ends
-- with `version` = N. A reader is sure of what it read when `amesh/pending` is still N afterwards; otherwise it
-- throws the read away and comes back. Nothing here knows what an object means.
local live = require("apisix.amesh.live")

local str_byte = string.byte
local str_find = string.find
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
        needs = nil,        -- function(key): whether a change of it has to be read
        skips = nil,        -- function(kind): whether a read of everything may leave a kind out
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


-- What change.objects gets for a key: its text, or `true` when nobody needs to know it.
local function read_object(self, change, key)
    if self.needs and not self.needs(key) then
        change.objects[key] = true
        return true
    end

    local text, commit = self.config:get(key)
    change.objects[key] = text
    change.commits[key] = commit and commit > 0 and commit or nil
    return text
end


local function read_all(self, change, step)
    for _, key in ipairs(live.keys_of(self.config, self.skips)) do
        -- other keys are the writer's own
        if str_byte(key) == SLASH then
            read_object(self, change, key)
        end
        step()
    end
end


-- False while something is being rewritten.
local function read_changed(self, change, changed)
    for key, is_set in next, changed do
        if not is_set then
            change.objects[key] = nil
            change.removed[#change.removed + 1] = key
        elseif not read_object(self, change, key) then
            return false
        end
    end

    return true
end


-- What was committed while everything was being read in slices, on top of it. Returns the commit that the change is
-- then at, or nil when the log does not reach back that far.
local function catch_up(self, change, version)
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
        if not changed or not read_changed(self, change, changed) then
            return nil
        end
        version = newer
    end

    return nil
end


-- The change since the last call, or nil when there is none or when a commit is just being written.
--   { version = N, full = true or false: everything there is, or what differs,
--     objects = { [key] = json }, removed = { key }, commits = { [key] = the commit that the object came with } }
-- The JSON is `true` where self.needs(key) says that nobody needs it. now: seconds, any clock. step: called once per
-- object of a long read; may yield.
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

    local change = { version = version, objects = {}, removed = {}, commits = {} }
    local changed = self.applied and read_log(self, self.applied, version)
    change.full = not changed
    if changed then
        if not read_changed(self, change, changed) or (self.version:get("amesh/pending") or version) ~= version then
            return nil
        end
    else
        read_all(self, change, step or no_step)
        change.version = not settled and version or catch_up(self, change, version)
        if not change.version then
            return nil
        end
    end

    self.applied = change.version
    return change
end


-- Whether what was handed out is all that there is, and nothing is being written.
function _M.is_settled(self)
    local version = self.version:get("version")
    return version == self.applied and (self.version:get("amesh/pending") or version) == version
end


return _M
