-- The path and query that nginx's gRPC module sends on. It knows two: the request's own as it came, and one made of
-- the decoded path, in which an encoded slash has become a real one: an endpoint would see another path than the routes
-- have matched. So what is to be sent is put in the place of what came.
--
-- nginx gives no access to that place. It is found once in each process, by members of the request that variables
-- show, in the order that they have in every nginx 1.x: request_line, uri, args, exten, unparsed_uri, method_name. If
-- they are not there, paths are decoded, and those that would not be the same any more are refused.
local ffi = require("ffi")
local base = require("resty.core.base")
local core = require("apisix.core")

local C = ffi.C
local get_request = base.get_request
local byte = string.byte
local find = string.find
local ngx = ngx
local ngx_var = ngx.var
local req = ngx.req
local sub = string.sub
local tonumber = tonumber
local unescape_uri = ngx.unescape_uri

ffi.cdef[[
typedef struct { size_t len; const unsigned char *data; } amesh_text_t;
]]

local OK = 0
local SLASH = byte("/")
-- words of a request that are looked through; it is the first that nginx takes of a pool of 4096 bytes
local WORDS = 400
-- where request_line and method_name stand, counted from unparsed_uri
local REQUEST_LINE, METHOD_NAME = -4, 1

local texts_type = ffi.typeof("amesh_text_t *")
local value, length, why = ffi.new("char *[1]"), ffi.new("size_t[1]"), ffi.new("char *[1]")
local lowered = ffi.new("char[32]")

local _M = {}
local offset        -- in bytes; nil: not looked for yet, false: not found


-- Where a variable's text is in nginx's memory.
local function shown(request, name)
    if C.ngx_http_lua_ffi_var_get(request, name, #name, lowered, 0, value, length, why) ~= OK then
        return nil
    end
    return tonumber(ffi.cast("uintptr_t", value[0])), tonumber(length[0])
end


local function is_at(text, address, size)
    return tonumber(ffi.cast("uintptr_t", text.data)) == address and (not size or tonumber(text.len) == size)
end


local function find_offset(request)
    local target, size = shown(request, "request_uri")
    local line = shown(request, "request")
    local method, method_size = shown(request, "request_method")
    if not target or not line or not method then
        return false
    end

    local words = ffi.cast("uintptr_t *", request)
    for index = -2 * REQUEST_LINE, WORDS do
        if tonumber(words[index]) == size and tonumber(words[index + 1]) == target then
            local texts = ffi.cast(texts_type, words + index)
            if is_at(texts[REQUEST_LINE], line) and is_at(texts[METHOD_NAME], method, method_size) then
                return index * ffi.sizeof("uintptr_t")
            end
        end
    end
    return false
end


local function place(request)
    if offset == nil then
        offset = find_offset(request)
        if not offset then
            core.log.error("paths to HTTP/2 endpoints are decoded and encoded anew, if they can be: the layout of ",
                           "nginx's structures is not the expected one")
        end
    end
    return offset and ffi.cast(texts_type, ffi.cast("char *", request) + offset)
end


-- As nginx encodes a decoded path.
local function encoded(path)
    return (path:gsub("[%z\1-\32\"#%%?\127-\255]", function(character)
        return ("%%%02X"):format(byte(character))
    end))
end


-- False when the path would not be the same any more.
local function set_decoded(target)
    local mark = find(target, "?", 1, true)
    local path = sub(target, 1, (mark or 0) - 1)
    local plain = unescape_uri(path:gsub("%+", "%%2B"))
    if encoded(plain):lower() ~= path:lower() and find(path, "%", 1, true) then
        return false
    end

    req.set_uri(plain, false)
    req.set_uri_args(mark and sub(target, mark + 1) or "")
    return true
end


-- target: path and query to send. False when nginx cannot send it.
function _M.set(ctx, target)
    local came = ngx_var.request_uri
    if target == came then
        return true
    end

    local request = get_request()
    -- nginx has no path as it came where there was none, in "http://host?query"
    local text = byte(came) == SLASH and place(request)
    if not text then
        return set_decoded(target)
    end

    ctx.amesh.request_target = { sent = target, data = text.data, len = text.len }
    text.data, text.len = target, #target
    return true
end


-- Log phase: the text is Lua's, and goes with the request's context.
function _M.restore(ctx)
    local saved = ctx.amesh.request_target
    if saved then
        local text = place(get_request())
        text.data, text.len = saved.data, saved.len
    end
end


return _M
