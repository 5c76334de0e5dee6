-- Public keys in the form that OpenSSL reads (SubjectPublicKeyInfo, RFC 5280), out of the numbers of a JWK.
local byte = string.byte
local char = string.char
local find = string.find
local floor = math.floor
local gsub = string.gsub
local rep = string.rep

local _M = {}

local SEQUENCE, INTEGER, BITS = "\x30", "\x02", "\x03"
-- SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
local RSA = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
-- SEQUENCE { OBJECT IDENTIFIER Ed25519 }
local ED25519 = "\x30\x05\x06\x03\x2b\x65\x70"
local EC = "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
local CURVES = {
    ["P-256"] = { "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 32 },
    ["P-384"] = { "\x06\x05\x2b\x81\x04\x00\x22", 48 },
    ["P-521"] = { "\x06\x05\x2b\x81\x04\x00\x23", 66 },
}


local function part(tag, content)
    local size = #content
    if size < 0x80 then
        return tag .. char(size) .. content
    elseif size < 0x100 then
        return tag .. "\x81" .. char(size) .. content
    end
    return tag .. "\x82" .. char(floor(size / 0x100), size % 0x100) .. content
end


local function stripped(number)
    return (gsub(number, "^%z+", ""))
end
_M.stripped = stripped


-- A number without a sign, big end first.
local function integer(number)
    number = stripped(number)
    if number == "" or byte(number) >= 0x80 then
        number = "\0" .. number
    end
    return part(INTEGER, number)
end


function _M.rsa(n, e)
    return part(SEQUENCE, RSA .. part(BITS, "\0" .. part(SEQUENCE, integer(n) .. integer(e))))
end


-- Whether a key in this form is one of RSA.
function _M.is_rsa(text)
    return find(text, RSA, 1, true) ~= nil
end


-- nil where a coordinate is too long for the curve.
function _M.ec(curve, x, y)
    local identifier, size = CURVES[curve][1], CURVES[curve][2]
    x, y = stripped(x), stripped(y)
    if #x > size or #y > size then
        return nil
    end

    local point = "\4" .. rep("\0", size - #x) .. x .. rep("\0", size - #y) .. y
    return part(SEQUENCE, part(SEQUENCE, EC .. identifier) .. part(BITS, "\0" .. point))
end


function _M.ed25519(key)
    return part(SEQUENCE, ED25519 .. part(BITS, "\0" .. key))
end


-- A signature by ECDSA as OpenSSL reads it, out of its two numbers side by side.
function _M.ecdsa(signature)
    local half = floor(#signature / 2)
    return part(SEQUENCE, integer(signature:sub(1, half)) .. integer(signature:sub(half + 1, 2 * half)))
end


return _M
