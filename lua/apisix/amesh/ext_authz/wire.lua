-- Protobuf's wire format, as far as Envoy's authorization service needs it. lua-protobuf, which APISIX has, keeps one
-- registry of types for a whole worker, and APISIX's gRPC plugins load theirs into it at any time.
--
-- Writing: functions that return the bytes of a field, "" for one that is not there. Reading: a message as
-- { [field number] = { value, ... } }, a value being a number (varint) or the bytes of what has a length or a fixed
-- size.
local ffi = require("ffi")

local byte = string.byte
local char = string.char
local concat = table.concat
local ffi_copy = ffi.copy
local ffi_string = ffi.string
local floor = math.floor
local null = ngx.null
local pairs = pairs
local sub = string.sub
local tonumber = tonumber
local type = type

local _M = {}

local VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
local SIZES = { [FIXED64] = 8, [FIXED32] = 4 }
-- google.protobuf.Value
local NULL_VALUE, NUMBER_VALUE, STRING_VALUE, BOOL_VALUE, STRUCT_VALUE, LIST_VALUE = 1, 2, 3, 4, 5, 6

local double = ffi.new("double[1]")


local function varint(number)
    local bytes = {}
    repeat
        local low = number % 128
        number = floor(number / 128)
        bytes[#bytes + 1] = char(number > 0 and low + 128 or low)
    until number == 0
    return concat(bytes)
end


-- body: bytes of a message, written even when there are none; nil for no message.
function _M.message(field, body)
    return body and varint(field * 8 + BYTES) .. varint(#body) .. body or ""
end


function _M.text(field, text)
    return text and text ~= "" and _M.message(field, text) or ""
end


-- number: a whole one, not below zero.
function _M.number(field, number)
    return number and number > 0 and varint(field * 8 + VARINT) .. varint(number) or ""
end


-- entries: texts by names.
function _M.map(field, entries)
    local parts = {}
    for key, value in pairs(entries or {}) do
        parts[#parts + 1] = _M.message(field, _M.text(1, key) .. _M.text(2, value))
    end
    return concat(parts)
end


local value_bytes

-- A google.protobuf.Struct; value: a table as JSON gives it.
function _M.struct(value)
    local parts = {}
    for key, one in pairs(value) do
        parts[#parts + 1] = _M.message(1, _M.text(1, key) .. _M.message(2, value_bytes(one)))
    end
    return concat(parts)
end


local function list_bytes(list)
    local parts = {}
    for index = 1, #list do
        parts[index] = _M.message(1, value_bytes(list[index]))
    end
    return concat(parts)
end


function value_bytes(value)
    local kind = type(value)
    if kind == "string" then
        return _M.message(STRING_VALUE, value)
    elseif kind == "number" then
        double[0] = value
        return varint(NUMBER_VALUE * 8 + FIXED64) .. ffi_string(double, 8)
    elseif kind == "boolean" then
        return varint(BOOL_VALUE * 8 + VARINT) .. varint(value and 1 or 0)
    elseif kind == "table" and (#value > 0 or value[1] ~= nil) then
        return _M.message(LIST_VALUE, list_bytes(value))
    elseif kind == "table" then
        return _M.message(STRUCT_VALUE, _M.struct(value))
    end
    return varint(NULL_VALUE * 8 + VARINT) .. varint(0)
end


-- number, position behind it; nil where the bytes end before it does.
local function read_varint(bytes, position)
    local number, unit = 0, 1
    for index = position, position + 9 do
        local one = byte(bytes, index)
        if not one then
            return nil
        end
        number = number + (one % 128) * unit
        if one < 128 then
            return number, index + 1
        end
        unit = unit * 128
    end
    return nil
end


-- nil where the bytes are no message.
function _M.read(bytes)
    local fields, position = {}, 1
    while position <= #bytes do
        local key, next_position = read_varint(bytes, position)
        if not key then
            return nil
        end

        local kind, value = key % 8, nil
        if kind == VARINT then
            value, next_position = read_varint(bytes, next_position)
        else
            local size = SIZES[kind]
            if kind == BYTES then
                size, next_position = read_varint(bytes, next_position)
            end
            if size and next_position + size - 1 <= #bytes then
                value = sub(bytes, next_position, next_position + size - 1)
                next_position = next_position + size
            end
        end
        if not value then
            return nil
        end

        local field = floor(key / 8)
        local values = fields[field]
        if values then
            values[#values + 1] = value
        else
            fields[field] = { value }
        end
        position = next_position
    end
    return fields
end


-- The last value of a field, which counts where it may be there once; nil where it is not.
function _M.last(fields, field)
    local values = fields[field]
    return values and values[#values]
end


local value_of

-- A google.protobuf.Struct as a table; nil where the bytes are none.
function _M.read_struct(bytes)
    local fields = _M.read(bytes)
    if not fields then
        return nil
    end

    local result = {}
    for _, entry in pairs(fields[1] or {}) do
        local pair = type(entry) == "string" and _M.read(entry)
        local key = pair and _M.last(pair, 1) or ""
        local value = pair and _M.last(pair, 2)
        if not pair then
            return nil
        end
        result[key] = value_of(type(value) == "string" and value or "")
    end
    return result
end


local function list_of(bytes)
    local fields = _M.read(bytes)
    local list = {}
    for index, one in pairs(fields and fields[1] or {}) do
        list[index] = value_of(one)
    end
    return list
end


function value_of(bytes)
    local fields = _M.read(bytes) or {}
    local text, number = _M.last(fields, STRING_VALUE), _M.last(fields, NUMBER_VALUE)
    if text then
        return text
    elseif number then
        ffi_copy(double, number, 8)
        return tonumber(double[0])
    elseif fields[BOOL_VALUE] then
        return _M.last(fields, BOOL_VALUE) ~= 0
    elseif fields[STRUCT_VALUE] then
        return _M.read_struct(_M.last(fields, STRUCT_VALUE))
    elseif fields[LIST_VALUE] then
        return list_of(_M.last(fields, LIST_VALUE))
    end
    return null
end


return _M
