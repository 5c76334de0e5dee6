-- The mesh's listeners by address. A listener is { key, address, port, bound, original_dst, direction, ports, size };
-- what ports and size hold is said in listener_index.lua.
local lists = require("apisix.amesh.lists")

local ipairs = ipairs
local sort = table.sort

local _M = {}
local by_address = {}       -- "ip port" -> listener; "* port" for any address
local bound_ports = {}      -- port -> list of listeners that Envoy would bind it for
local handing_on = {}       -- listeners that hand connections on to others

local ANY_ADDRESS = { ["0.0.0.0"] = true, ["::"] = true }


local function key_of(address, port)
    return (ANY_ADDRESS[address] and "*" or address) .. " " .. port
end


local function by_key(a, b)
    return a.key < b.key
end


-- Lists that more than one listener can be in are sorted, so that no order of arrival shows.
local function list(listener)
    if listener.bound then
        local bound = bound_ports[listener.port] or {}
        bound_ports[listener.port] = bound
        bound[#bound + 1] = listener
        sort(bound, by_key)
    end
    if listener.original_dst == "handoff" then
        handing_on[#handing_on + 1] = listener
        sort(handing_on, by_key)
    end
end


local function unlist(listener)
    local bound = bound_ports[listener.port]
    if bound then
        lists.remove(bound, listener)
        bound_ports[listener.port] = bound[1] and bound or nil
    end
    lists.remove(handing_on, listener)
end


-- The listener that an object belongs to, with what the object says of it (see listener_head.lua): new where it is the
-- first of its address.
function _M.take(head)
    local key = key_of(head.address, head.port)
    local listener = by_address[key]
    if not listener then
        listener = { key = key, address = head.address, port = head.port, ports = {}, size = 0 }
        by_address[key] = listener
    end

    local bound = head.bound and true or false
    if listener.bound ~= bound or listener.original_dst ~= head.original_dst or listener.direction ~= head.direction
    then
        unlist(listener)
        listener.bound, listener.original_dst, listener.direction = bound, head.original_dst, head.direction
        list(listener)
    end
    return listener
end


-- No object is left of a listener.
function _M.drop(listener)
    unlist(listener)
    by_address[listener.key] = nil
end


-- The listener of an address; nil when there is none.
function _M.at(ip, port)
    return by_address[(ip or "") .. " " .. port] or by_address["* " .. port]
end


-- Listeners that Envoy would bind a port for; nil for none. The one for any address, where there is one, is at("*").
function _M.bound(port)
    return port and bound_ports[port]
end


-- The one that hands on what the application sends.
function _M.outbound()
    for _, listener in ipairs(handing_on) do
        if listener.direction ~= "inbound" then
            return listener
        end
    end
end


return _M
