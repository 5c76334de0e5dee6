-- Requests that are sent on before they have ended: their time begins to count when they end, which nginx tells nobody.
-- So it is looked for, while there are any with a limit.
local background = require("apisix.amesh.background")
local deadlines = require("apisix.amesh.deadlines")
local request_fields = require("apisix.amesh.request_fields")
local time_limits = require("apisix.amesh.time_limits")

local pairs = pairs
local next = next

local _M = {}

local INTERVAL = 0.02

-- ctx.amesh of such requests -> what to ask about them by
local followed = {}


local function begin(state)
    time_limits.request_ends(state.limits)
    state.deadline = state.limits.deadline
end


local watcher = background.new(INTERVAL, function()
    for state, handle in pairs(followed) do
        if request_fields.has_ended(handle) then
            followed[state] = nil
            begin(state)
            deadlines.watch(state)
        end
    end
    return next(followed) ~= nil
end)


-- To be called when nginx has begun to read the request's body, and knows whether it has all of it.
function _M.follow(ctx)
    local state = ctx.amesh
    if not state.streaming then
        return
    end

    if request_fields.has_ended() then
        -- then nginx has all of it, and keeps it
        state.streaming = false
        return state.limits.after_end and begin(state)
    end

    if state.deadline or state.limits.after_end then
        deadlines.prepare(state)
    end
    if state.deadline then
        deadlines.watch(state)
    end
    if state.limits.after_end then
        followed[state] = state.watched.handle
        watcher:wake()
    end
end


-- To be called when it has turned out that the request has ended.
function _M.has_ended(state)
    if followed[state] then
        followed[state] = nil
        begin(state)
    end
end


-- Before the request is gone.
function _M.forget(state)
    followed[state] = nil
end


return _M
