-- JSON objects as the sections of a token and a key set must be: what two readers could read in two ways is no JSON.
-- No name twice in an object, UTF-8 throughout, no numbers that JSON does not know, no deeper than 100.
local cjson = require("cjson.safe")

local new = cjson.new
local byte = string.byte
local find = string.find
local re_find = ngx.re.find
local sub = string.sub
local getmetatable = getmetatable
local next = next
local type = type

local _M = {
    null = cjson.null,
}

local MAX_DEPTH = 100
local QUOTE, OPEN, CLOSE, COLON = byte("\""), byte("{"), byte("}"), byte(":")
local OPEN_LIST, CLOSE_LIST = byte("["), byte("]")

local decoder = new()
decoder.decode_max_depth(MAX_DEPTH)
decoder.decode_invalid_numbers(false)
if decoder.decode_array_with_array_mt then
    decoder.decode_array_with_array_mt(true)
end


-- Where the string that begins at `from` ends; of text that has been decoded.
local function string_end(text, from)
    local position = from + 1
    while true do
        position = find(text, "[\\\"]", position)
        if byte(text, position) == QUOTE then
            return position
        end
        position = position + 2
    end
end


local function name_of(text, from, to)
    local name = sub(text, from + 1, to - 1)
    if find(name, "\\", 1, true) then
        return decoder.decode(sub(text, from, to))
    end
    return name
end


-- Of text that has been decoded, so that its quotes and brackets are known to match.
local function has_repeated_name(text)
    local names, depth, position = {}, 0, 1
    while true do
        position = find(text, "[\"{}%[%]]", position)
        if not position then
            return false
        end

        local char = byte(text, position)
        if char == OPEN or char == OPEN_LIST then
            depth = depth + 1
            names[depth] = char == OPEN and {} or false
        elseif char == CLOSE or char == CLOSE_LIST then
            depth = depth - 1
        else
            local stop = string_end(text, position)
            local after = find(text, "%S", stop + 1)
            if after and byte(text, after) == COLON then
                local seen, name = names[depth], name_of(text, position, stop)
                if seen[name] then
                    return true
                end
                seen[name] = true
            end
            position = stop
        end
        position = position + 1
    end
end


local function is_utf8(text)
    local _, _, err = re_find(text, "^", "jou")
    return not err
end


-- The object as a table; nil where the text is no JSON object. null is _M.null.
function _M.object(text)
    if not find(text, "^%s*{") or not is_utf8(text) then
        return nil
    end

    local value = decoder.decode(text)
    if type(value) ~= "table" or has_repeated_name(text) then
        return nil
    end
    return value
end


-- Whether a decoded value is an array. An empty one may look like an empty object, by the JSON library.
function _M.is_array(value)
    if type(value) ~= "table" then
        return false
    end
    if #value > 0 then
        return true
    end
    return next(value) == nil and (not decoder.decode_array_with_array_mt
                                   or getmetatable(value) == cjson.array_mt)
end


return _M
