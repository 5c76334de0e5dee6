-- What nginx remembers of the tries of a request, from its $upstream_* variables.
-- Tries of one upstream run are separated by ", ", runs (before and after an internal redirect) by " : ".
local var = ngx.var
local gmatch = string.gmatch
local tonumber = tonumber

local _M = {}


-- The entry of the try `back` tries before the last one.
local function entry(list, back)
    if not list then
        return nil
    end

    local entries, count = {}, 0
    for one in gmatch(list, "[^,: ]+") do
        count = count + 1
        entries[count] = one
    end
    return entries[count - back]
end


-- The try before the last one, which the balancer phase is just preparing: did it reach the endpoint?
function _M.previous_connected()
    local time = entry(var.upstream_connect_time, 1)
    return time ~= nil and time ~= "-", time
end


function _M.last_connected()
    local time = entry(var.upstream_connect_time, 0)
    return time ~= nil and time ~= "-"
end


-- Did the last try bring a response?
function _M.last_answered()
    local time = entry(var.upstream_header_time, 0)
    return time ~= nil and time ~= "-"
end


-- Status of the last try, nginx's own (502, 504) when it brought no response; nil when nothing was tried.
function _M.last_status()
    return tonumber(entry(var.upstream_status, 0))
end


return _M
