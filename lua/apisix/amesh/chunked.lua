-- HTTP/1.1's chunked coding of a body.
local byte = string.byte
local concat = table.concat
local find = string.find
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local CR, LF = byte("\r"), byte("\n")


-- After the data of a chunk.
local function skip_line_end(text, at)
    at = byte(text, at) == CR and at + 1 or at
    return byte(text, at) == LF and at + 1 or at
end


-- Has what begins at `at`, after the last chunk, come whole: trailers if there are any, and an empty line?
local function ends(text, at)
    return find(text, "^\r?\n", at) ~= nil or find(text, "\n\r?\n", at) ~= nil
end


-- Calls take(from, to) for the data of each chunk that is there whole. True when the last one is there, false when it
-- is not, nil for what is not chunked.
local function walk(text, take)
    local at = 1
    while true do
        local line_end = find(text, "\n", at, true)
        if not line_end then
            return false
        end

        local size = tonumber(match(text, "^%s*(%x+)", at) or "", 16)
        if not size then
            return nil
        end

        at = line_end + 1
        if size == 0 then
            return ends(text, at)
        end
        if at + size > #text then
            return false
        end
        take(at, at + size - 1)
        at = skip_line_end(text, at + size)
    end
end


local function ignore()
end


-- Has the whole body come? True also for what is not chunked, which nginx will refuse.
function _M.has_ended(text)
    return walk(text, ignore) ~= false
end


-- The body, without trailers; nil when it is not whole.
function _M.decoded(text)
    local parts = {}
    local whole = walk(text, function(from, to)
        parts[#parts + 1] = sub(text, from, to)
    end)
    return whole and concat(parts) or nil
end


return _M
