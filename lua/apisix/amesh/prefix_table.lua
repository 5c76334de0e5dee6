-- Values by ranges of IP addresses ("10.0.0.0/8"): the longest range that holds an address is found with one look-up
-- for each prefix length in use, however many ranges there are.
local ffi = require("ffi")
local band = require("bit").band
local lists = require("apisix.amesh.lists")

local C = ffi.C
local byte = string.byte
local char = string.char
local find = string.find
local floor = math.floor
local match = string.match
local sort = table.sort
local sub = string.sub
local setmetatable = setmetatable
local tonumber = tonumber


ffi.cdef[[
int inet_pton(int af, const char *src, void *dst);
]]

local AF_INET, AF_INET6 = 2, 10
local MAPPED = "\0\0\0\0\0\0\0\0\0\0\255\255"
local MAX_KNOWN = 4096

local buffer = ffi.new("uint8_t[16]")
local known, known_count = {}, 0

local _M = {}
local mt = { __index = _M }


local function parse(ip)
    local is_v6 = find(ip, ":", 1, true)
    if C.inet_pton(is_v6 and AF_INET6 or AF_INET, ip, buffer) ~= 1 then
        return false
    end

    local bytes = ffi.string(buffer, is_v6 and 16 or 4)
    if is_v6 and sub(bytes, 1, 12) == MAPPED then
        bytes = sub(bytes, 13)
    end
    return bytes
end


-- 4 or 16 bytes of an address; false when it is none.
local function bytes_of(ip)
    local bytes = known[ip]
    if bytes == nil then
        if known_count >= MAX_KNOWN then
            known, known_count = {}, 0
        end
        bytes = parse(ip)
        known[ip] = bytes
        known_count = known_count + 1
    end
    return bytes
end


local function masked(bytes, length)
    local whole = floor(length / 8)
    if whole >= #bytes then
        return bytes
    end

    local rest = length - whole * 8
    if rest == 0 then
        return sub(bytes, 1, whole)
    end
    return sub(bytes, 1, whole) .. char(band(byte(bytes, whole + 1), 256 - 2 ^ (8 - rest)))
end


function _M.new()
    return setmetatable({ any = nil, [4] = { lengths = {}, tables = {} }, [16] = { lengths = {}, tables = {} } }, mt)
end


local function by_descending(a, b)
    return a > b
end


-- family, length, key of "10.0.0.0/8"; nothing when it is no range
local function split(prefix)
    local ip, length = match(prefix, "^(.-)/(%d+)$")
    local bytes = ip and bytes_of(ip)
    length = tonumber(length)
    if not bytes or length > #bytes * 8 then
        return nil
    end
    return #bytes, length, masked(bytes, length)
end


-- What stands at this very range; nil for any address.
function _M.at(self, prefix)
    if not prefix then
        return self.any
    end

    local family, length, key = split(prefix)
    local entries = family and self[family].tables[length]
    return entries and entries.values[key]
end


-- Puts a value, or nil, at a range; a range that is none is left out.
function _M.put(self, prefix, value)
    if not prefix then
        self.any = value
        return
    end

    local family, length, key = split(prefix)
    if not family then
        return
    end

    local side = self[family]
    local entries = side.tables[length]
    if not entries then
        entries = { values = {}, count = 0 }
        side.tables[length] = entries
        side.lengths[#side.lengths + 1] = length
        sort(side.lengths, by_descending)
    end

    local before = entries.values[key] ~= nil
    entries.values[key] = value
    entries.count = entries.count + (value ~= nil and 1 or 0) - (before and 1 or 0)
    if entries.count == 0 then
        side.tables[length] = nil
        lists.remove(side.lengths, length)
    end
end


-- Whether the address matters.
function _M.has_ranges(self)
    return #self[4].lengths > 0 or #self[16].lengths > 0
end


function _M.is_empty(self)
    return self.any == nil and not self:has_ranges()
end


-- The value of the longest range that holds the address.
function _M.find(self, ip)
    local bytes = ip and bytes_of(ip)
    local side = bytes and self[#bytes]
    if not side then
        return self.any
    end

    local lengths = side.lengths
    for position = 1, #lengths do
        local length = lengths[position]
        local value = side.tables[length].values[masked(bytes, length)]
        if value ~= nil then
            return value
        end
    end
    return self.any
end


return _M
