-- The ids of the library's objects, for names that only a request tells: a readable part and a hash (FNV-1a, 64 bits,
-- over UTF-16), as src/Amesh.Apisix/ObjectId.cs makes them. Names are ASCII; another one is nobody's.
local bit = require("bit")
local ffi = require("ffi")

local byte = string.byte
local char = string.char
local concat = table.concat
local find = string.find
local gsub = string.gsub
local sub = string.sub
local tonumber = tonumber

local _M = {}

local uint64 = ffi.typeof("uint64_t")
local BASIS = 14695981039346656037ULL
local PRIME = 1099511628211ULL
local DIGITS = "0123456789abcdefghijklmnopqrstuv"
local HASH_LENGTH = 13
local MAX_READABLE = 64 - HASH_LENGTH - 1


local function hash_of(name)
    local hash = BASIS
    for index = 1, #name do
        hash = bit.bxor(hash, uint64(byte(name, index))) * PRIME
        -- the upper half of each character is zero
        hash = hash * PRIME
    end

    local digits = {}
    for index = 1, HASH_LENGTH do
        local digit = tonumber(bit.band(hash, 31ULL)) + 1
        digits[index] = char(byte(DIGITS, digit))
        hash = bit.rshift(hash, 5)
    end
    return concat(digits)
end


-- nil for a name that none of them can have.
function _M.of(name)
    if name == "" or find(name, "[\128-\255]") then
        return nil
    end

    local readable = gsub(name, "[^%w_]+", "-")
    readable = sub(gsub(readable, "^%-", ""), 1, MAX_READABLE)
    if readable ~= "" and sub(readable, -1) ~= "-" then
        readable = readable .. "-"
    end
    return readable .. hash_of(name)
end


return _M
