-- Reads values of a token's header and payload, as Envoy reads its structs. "a.b" is the member b of the member a.
local strict_json = require("apisix.amesh.jwt.strict_json")

local floor = math.floor
local gmatch = string.gmatch
local ipairs = ipairs
local type = type

local _M = {}

-- what every JSON library reads as it is written
local MOST = 2 ^ 63
_M.OUT_OF_RANGE = "out of range"
_M.WRONG_TYPE = "wrong type"


-- nil where there is no such value; null counts as one.
function _M.value(struct, name)
    local current = struct
    for part in gmatch(name .. ".", "([^.]*)%.") do
        if type(current) ~= "table" or strict_json.is_array(current) then
            return nil
        end
        current = current[part]
        if current == nil then
            return nil
        end
    end

    return current
end


-- nil where there is none; nil and WRONG_TYPE where it is something else.
function _M.text(struct, name)
    local value = struct[name]
    if value ~= nil and type(value) ~= "string" then
        return nil, _M.WRONG_TYPE
    end
    return value
end


-- The same; nil and OUT_OF_RANGE where no 63 bits hold it. Fractions are cut off.
function _M.natural(struct, name)
    local value = struct[name]
    if value == nil then
        return nil
    end
    if type(value) ~= "number" then
        return nil, _M.WRONG_TYPE
    end
    if not (value >= 0 and value < MOST) then
        return nil, _M.OUT_OF_RANGE
    end
    return floor(value)
end


-- One text, or an array of texts, as an array; nil where there is none.
function _M.texts(struct, name)
    local value = struct[name]
    if value == nil then
        return nil
    end
    if type(value) == "string" then
        return { value }
    end
    if not strict_json.is_array(value) then
        return nil, _M.WRONG_TYPE
    end

    for _, one in ipairs(value) do
        if type(one) ~= "string" then
            return nil, _M.WRONG_TYPE
        end
    end
    return value
end


return _M
