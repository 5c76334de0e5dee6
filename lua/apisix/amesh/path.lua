-- Envoy's path normalisation (HttpConnectionManager: normalize_path, merge_slashes, path_with_escaped_slashes_action).
-- Works on the bytes of the request line: nginx's own $uri is decoded, which Envoy never does.
local char = string.char
local byte = string.byte
local find = string.find
local format = string.format
local gsub = string.gsub
local match = string.match
local sub = string.sub
local concat = table.concat
local tonumber = tonumber


local _M = {}


-- The characters that a URL canonicaliser writes plainly even if they come percent-encoded: RFC 3986 unreserved.
-- Of the others, those below must be encoded in a path; all else stays as it came.
local function in_set(pattern)
    local set = {}
    for code = 0, 255 do
        set[code] = find(char(code), pattern) and true or false
    end
    return set
end

local UNRESERVED = in_set("[%w%-%._~]")
local ENCODED = in_set("[%z\1-\32\"#<>%?%^`{|}\127-\255]")

local SLASH, BACKSLASH = byte("/"), byte("\\")


-- Whether the path has none but characters that stay as they are. A loop is compiled, a pattern is not.
local function is_canonical(path)
    for position = 1, #path do
        local code = byte(path, position)
        if not UNRESERVED[code] and code ~= SLASH then
            return false
        end
    end
    return true
end


-- Percent-encoding in its canonical form; "%2e" becomes ".", so that dot segments show.
local function canonical_characters(path)
    path = gsub(path, "%%(%x%x)", function(hex)
        local code = tonumber(hex, 16)
        return UNRESERVED[code] and char(code) or nil
    end)

    return (gsub(path, "[^%w/%-%._~%%]", function(c)
        local code = byte(c)
        if code == BACKSLASH then
            return "/"
        end
        return ENCODED[code] and format("%%%02X", code) or nil
    end))
end


local function resolve_dot_segments(path)
    if not find(path, "/.", 1, true) then
        return path
    end

    local out, count = {}, 0
    local from, last = 2, false
    while not last do
        local stop = find(path, "/", from, true)
        last = not stop
        local segment = sub(path, from, (stop or #path + 1) - 1)
        from = (stop or 0) + 1

        if segment == ".." then
            if count > 0 then
                count = count - 1
            end
            if last then
                count = count + 1
                out[count] = ""
            end
        elseif segment == "." then
            if last then
                count = count + 1
                out[count] = ""
            end
        else
            count = count + 1
            out[count] = segment
        end
    end

    return "/" .. concat(out, "/", 1, count)
end


local function has_escaped_slash(path)
    return find(path, "%%2[fF]") or find(path, "%%5[cC]")
end


local function unescape_slashes(path)
    path = gsub(path, "%%2[fF]", "/")
    return (gsub(path, "%%5[cC]", "\\"))
end


-- Path and query of a request target. The query comes without its "?", nil when there is none. "http://host?query" has
-- an empty path, which is "/".
function _M.split(target)
    local mark = find(target, "?", 1, true)
    if not mark then
        return target, nil
    end

    return mark > 1 and sub(target, 1, mark - 1) or "/", sub(target, mark + 1)
end


-- target: path and query as sent. listener: the listener's options, see /listeners; nil normalises nothing.
-- Returns path and query; or nil, the status to answer with and, for a redirect, its location.
function _M.normalize(target, listener)
    if find(target, "#", 1, true) then
        return nil, 400
    end

    local path, query = _M.split(target)
    if not listener or byte(path, 1) ~= SLASH then
        return path, query
    end

    local redirect = false
    local action = listener.escaped_slashes
    if action and action ~= "keep" and find(path, "%", 1, true) and has_escaped_slash(path) then
        if action == "reject" then
            return nil, 400
        end
        path = unescape_slashes(path)
        redirect = action == "unescape_redirect"
    end

    if listener.normalize_path then
        if find(path, "%00", 1, true) then
            return nil, 400
        end
        if not is_canonical(path) then
            path = canonical_characters(path)
        end
        path = resolve_dot_segments(path)
    end

    if listener.merge_slashes and find(path, "//", 1, true) then
        path = gsub(path, "//+", "/")
    end

    if redirect then
        return nil, 307, query and path .. "?" .. query or path
    end

    return path, query
end


-- Value of the first parameter `name` as written (Envoy matches query parameters undecoded); "" when it has no "=".
function _M.query_parameter(query, name)
    if not query then
        return nil
    end

    for pair in query:gmatch("[^&]+") do
        local key, value = match(pair, "^([^=]*)=?(.*)$")
        if key == name then
            return value
        end
    end

    return nil
end


return _M
