-- Do the first bytes of a connection begin an HTTP request, and of which version? As Envoy's http_inspector tells it:
-- HTTP/2 by its preface, HTTP/1 by a request line with a method that it knows.
local find = string.find
local gmatch = string.gmatch
local match = string.match
local pairs = pairs
local sub = string.sub

local _M = {}

local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
-- a request line that is longer is taken for HTTP/1.1 without its end
local LONGEST_LINE = 8192
local LONGEST_METHOD = 11

local METHODS = {}
for method in gmatch("ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE "
                     .. "M-SEARCH NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE "
                     .. "SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE", "[%u-]+") do
    METHODS[method] = true
end


-- Can this be the beginning of a method?
local function begins_method(text)
    if #text > LONGEST_METHOD then
        return false
    end

    for method in pairs(METHODS) do
        if sub(method, 1, #text) == text then
            return true
        end
    end
    return false
end


-- "http/1.0", "http/1.1" or "h2c" as Envoy names them, which is what a filter chain's application_protocols say; false
-- when it is not HTTP; nil when more bytes are needed to tell.
function _M.version(bytes)
    if bytes == "" then
        return nil
    end

    if sub(bytes, 1, #PREFACE) == PREFACE then
        return "h2c"
    end
    if sub(PREFACE, 1, #bytes) == bytes then
        return nil
    end

    local space = find(bytes, " ", 1, true)
    if not space then
        if begins_method(bytes) then
            return nil
        end
        return false
    end
    if not METHODS[sub(bytes, 1, space - 1)] then
        return false
    end

    local line = match(bytes, "^([^\r\n]*)[\r\n]")
    if not line then
        if #bytes >= LONGEST_LINE then
            return "http/1.1"
        end
        return nil
    end

    local major, minor = match(line, "^[%u-]+ [^ ]+ HTTP/(%d)%.(%d)$")
    if not major then
        return false
    end
    return major == "1" and minor == "1" and "http/1.1" or "http/1.0"
end


return _M
