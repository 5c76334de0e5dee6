-- Ends answers that are not complete when their time is over and of which nothing more comes: nginx looks at the time
-- of a request only when something does. The client's connection is shut, which has nginx give up the endpoint's, too.
-- Not for HTTP/2, where others share the connection: they end with the next piece, or when nginx has waited too long.
--
-- Deadlines are kept in slots of a few milliseconds; they are looked at while there are any.
local ffi = require("ffi")
local background = require("apisix.amesh.background")
local connection = require("apisix.amesh.connection")

local ngx_now = ngx.now
local ngx_var = ngx.var
local ceil = math.ceil
local floor = math.floor
local pairs = pairs
local next = next

ffi.cdef[[
int shutdown(int fd, int how);
]]

local _M = {}

local SLOT = 0.02
local BOTH_WAYS = 2

local slots = {}
local last_slot = 0


local function shut(entries)
    for entry in pairs(entries) do
        if not entry.done then
            ffi.C.shutdown(entry.fd, BOTH_WAYS)
        end
    end
end


local watcher = background.new(SLOT, function()
    local now = floor(ngx_now() / SLOT)
    for slot = last_slot + 1, now do
        local entries = slots[slot]
        if entries then
            slots[slot] = nil
            shut(entries)
        end
    end

    last_slot = now
    return next(slots) ~= nil
end)


-- Returns an entry to hand to `remove` before the request ends; nil when the request cannot be ended so.
function _M.add(deadline)
    if ngx_var.server_protocol == "HTTP/2.0" then
        return nil
    end

    local fd = connection.descriptor()
    if not fd then
        return nil
    end

    if not next(slots) then
        last_slot = floor(ngx_now() / SLOT)
    end

    local slot = ceil(deadline / SLOT)
    slot = slot > last_slot and slot or last_slot + 1
    local entry = { fd = fd, slot = slot }
    slots[slot] = slots[slot] or {}
    slots[slot][entry] = true
    watcher:wake()
    return entry
end


function _M.remove(entry)
    entry.done = true
    local entries = slots[entry.slot]
    if entries then
        entries[entry] = nil
        if not next(entries) then
            slots[entry.slot] = nil
        end
    end
end


return _M
