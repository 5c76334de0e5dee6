-- What nginx remembers of the tries of a request, from its $upstream_* variables.
-- Tries of one upstream run are separated by ", ", runs (before and after an internal redirect) by " : ".
local var = ngx.var
local find = string.find
local gmatch = string.gmatch
local tonumber = tonumber

local _M = {}


-- The entry of the last try. One that the balancer is just choosing an endpoint for has none yet.
local function last_entry(list)
    if not list or not find(list, " ", 1, true) then
        return list
    end

    local last
    for one in gmatch(list, "[^,: ]+") do
        last = one
    end
    return last
end


-- Did the last try reach its endpoint? Also returns the seconds that it took, as nginx writes them.
function _M.last_connected()
    local time = last_entry(var.upstream_connect_time)
    return time ~= nil and time ~= "-", time
end


-- Did the last try bring a response?
function _M.last_answered()
    local time = last_entry(var.upstream_header_time)
    return time ~= nil and time ~= "-"
end


-- Status of the last try, nginx's own (502, 504) when it brought no response; nil when nothing was tried.
function _M.last_status()
    return tonumber(last_entry(var.upstream_status))
end


return _M
