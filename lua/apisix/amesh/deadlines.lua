-- Ends requests of which nothing more comes when their time is over: nginx looks at the time of a request only when
-- something does. An answer that has begun is cut off by shutting the client's connection, which has nginx give up the
-- endpoint's, too. Of HTTP/2, where other requests share the client's connection, and where there is no answer yet, the
-- endpoint's is shut: then nginx gives up the request.
--
-- Deadlines are kept in slots of a few milliseconds; they are looked at while there are any.
local ffi = require("ffi")
local background = require("apisix.amesh.background")
local connection = require("apisix.amesh.connection")
local request_fields = require("apisix.amesh.request_fields")

local ngx_now = ngx.now
local ngx_var = ngx.var
local ceil = math.ceil
local floor = math.floor
local max = math.max
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


local function take_out(state)
    local slot = state.watched.slot
    local states = slot and slots[slot]
    if states then
        states[state] = nil
        if not next(states) then
            slots[slot] = nil
        end
    end
end


local function put(state, deadline)
    take_out(state)
    local slot = max(ceil(deadline / SLOT), last_slot + 1)
    state.watched.slot = slot
    slots[slot] = slots[slot] or {}
    slots[slot][state] = true
end


local function cut(state)
    local watched = state.watched
    local descriptor = state.answered and watched.client
    if not descriptor and watched.handle then
        descriptor = request_fields.endpoint_descriptor(watched.handle)
        state.cut = state.answered and descriptor ~= nil
    end
    if descriptor then
        ffi.C.shutdown(descriptor, BOTH_WAYS)
    elseif not state.answered then
        -- between two connections
        put(state, ngx_now() + SLOT)
    end
end


local watcher = background.new(SLOT, function()
    local now = floor(ngx_now() / SLOT)
    for slot = last_slot + 1, now do
        local states = slots[slot]
        if states then
            slots[slot] = nil
            for state in pairs(states) do
                cut(state)
            end
        end
    end

    last_slot = now
    return next(slots) ~= nil
end)


-- Makes the current request, whose ctx.amesh this is, one that `watch` can end. In `watched`: the client's descriptor,
-- unless other requests share it, what to ask about the request by, where that is known, and the slot.
function _M.prepare(state)
    state.watched = {
        client = ngx_var.server_protocol ~= "HTTP/2.0" and connection.descriptor() or nil,
        handle = request_fields.handle(),
    }
end


-- Ends the request at state.deadline, unless it is forgotten before.
function _M.watch(state)
    if not next(slots) then
        last_slot = floor(ngx_now() / SLOT)
    end
    put(state, state.deadline)
    watcher:wake()
end


-- Before the request is gone, or begins anew.
function _M.forget(state)
    if state.watched then
        take_out(state)
        state.watched = nil
    end
end


return _M
