-- What a TLS client asks for in its first message: server name and protocols (RFC 8446 4.1.2, RFC 6066 3, RFC 7301).
-- Nothing is decrypted and nothing is consumed; the message may come in several records and in several pieces.
local byte = string.byte
local concat = table.concat
local lower = string.lower
local sub = string.sub

local _M = {}

local HANDSHAKE, CLIENT_HELLO = 22, 1
local RECORD_HEADER, HANDSHAKE_HEADER = 5, 4
local LONGEST_RECORD = 16384 + 256
local SERVER_NAME, ALPN = 0, 16
local HOST_NAME = 0


local function two(text, at)
    local a, b = byte(text, at, at + 1)
    return b and a * 256 + b
end


-- Payload of the handshake records at the start of `bytes`, as far as it is there; nil when they are not TLS.
local function handshake_bytes(bytes)
    local parts, at = {}, 1
    while at <= #bytes do
        if byte(bytes, at) ~= HANDSHAKE then
            -- another kind of record may follow a complete message; at the very start it is no TLS
            return at > 1 and concat(parts) or nil
        end

        local major = byte(bytes, at + 1)
        if major and major ~= 3 then
            return nil
        end

        local length = two(bytes, at + 3)
        if not length then
            break
        end
        if length == 0 or length > LONGEST_RECORD then
            return nil
        end

        parts[#parts + 1] = sub(bytes, at + RECORD_HEADER, at + RECORD_HEADER + length - 1)
        at = at + RECORD_HEADER + length
    end

    return concat(parts)
end


-- First name of type host_name in a server_name extension, in lower case.
local function server_name(text, at, stop)
    at = at + 2
    while at + 2 <= stop do
        local length = two(text, at + 1)
        if not length or at + 2 + length > stop then
            return nil
        end
        if byte(text, at) == HOST_NAME then
            return length > 0 and lower(sub(text, at + 3, at + 2 + length)) or nil
        end
        at = at + 3 + length
    end
end


local function protocols(text, at, stop)
    local names = {}
    at = at + 2
    while at <= stop do
        local length = byte(text, at)
        if length == 0 or at + length > stop then
            break
        end
        names[#names + 1] = sub(text, at + 1, at + length)
        at = at + 1 + length
    end
    return names[1] and names or nil
end


local function extensions(text, at, hello)
    local total = two(text, at)
    if not total then
        return hello                -- none at all is allowed
    end

    local last = at + 1 + total
    if last > #text then
        return nil
    end

    at = at + 2
    while at + 3 <= last do
        local kind, length = two(text, at), two(text, at + 2)
        local start, stop = at + 4, at + 3 + length
        if stop > last then
            return nil
        end
        if kind == SERVER_NAME then
            hello.sni = server_name(text, start, stop)
        elseif kind == ALPN then
            hello.alpn = protocols(text, start, stop)
        end
        at = stop + 1
    end

    return hello
end


-- Body of a client hello; nil when it is malformed.
local function parse_body(text)
    -- version 2, random 32, then three vectors
    local at = 1 + 2 + 32
    local session = byte(text, at)
    if not session then
        return nil
    end

    at = at + 1 + session
    local suites = two(text, at)
    if not suites then
        return nil
    end

    at = at + 2 + suites
    local compressions = byte(text, at)
    if not compressions then
        return nil
    end

    return extensions(text, at + 1 + compressions, {})
end


-- From the first bytes of a connection: { sni, alpn = {...} } of a client hello (either may be missing); false when it
-- is not TLS; nil when more bytes are needed to tell.
function _M.parse(bytes)
    if bytes == "" then
        return nil
    end

    local message = handshake_bytes(bytes)
    if not message then
        return false
    end
    if #message >= 1 and byte(message) ~= CLIENT_HELLO then
        return false
    end
    if #message < HANDSHAKE_HEADER then
        return nil
    end

    local _, high, middle, low = byte(message, 1, HANDSHAKE_HEADER)
    local length = high * 65536 + middle * 256 + low
    if #message < HANDSHAKE_HEADER + length then
        return nil
    end

    return parse_body(sub(message, HANDSHAKE_HEADER + 1, HANDSHAKE_HEADER + length)) or false
end


return _M
