-- What is indexed of an object of /listeners: the destination that it is for, and the listener's own fields.
local amesh_item = require("apisix.amesh.item")

local find = string.find
local ipairs = ipairs
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local HEAD_FIELDS = { '"address":', '"port":', '"original_dst":', '"bound":', '"direction":', '"destination_port":',
                      '"destination_prefix":' }


-- Whether all fields of the listener's own stand before this position, as the library writes them.
local function ends_head(text, position)
    for _, field in ipairs(HEAD_FIELDS) do
        if find(text, field, position, true) then
            return false
        end
    end
    return true
end


-- { address, port, original_dst, bound, direction, destination_port, destination_prefix }, without decoding an object
-- that nobody has asked for; nil for one that is of no use. What is in the chains could say anything, but not with
-- these names.
function _M.of(item)
    local text = amesh_item.text(item)
    local chains = text and find(text, '"chains":[', 1, true)
    if chains and ends_head(text, chains) then
        local head = sub(text, 1, chains)
        local address, port = match(head, '"address":"([^"\\]*)"'), match(head, '"port":(%d+)')
        local prefix = match(head, '"destination_prefix":"([^"\\]*)"')
        if address and port and (prefix or not find(head, '"destination_prefix":', 1, true)) then
            return {
                address = address,
                port = tonumber(port),
                original_dst = match(head, '"original_dst":"(%a+)"'),
                bound = find(head, '"bound":true', 1, true) ~= nil,
                direction = match(head, '"direction":"(%a+)"'),
                destination_port = tonumber(match(head, '"destination_port":(%d+)')),
                destination_prefix = prefix,
            }
        end
    end

    local value = item.value
    return value and value.address and value.port and value or nil
end


return _M
