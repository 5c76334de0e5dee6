-- Members of nginx's request that no variable and no function of ngx_lua gives access to: where its path and query as
-- they came are kept, and whether its body has come.
--
-- They are found once in each process, by members that variables show, in the order that they have in every nginx 1.x:
--   request_body, lingering_time, start_sec, start_msec, method, http_version,
--   request_line, uri, args, exten, unparsed_uri, method_name
local ffi = require("ffi")
local base = require("resty.core.base")
local log = require("apisix.core.log")

local C = ffi.C
local get_request = base.get_request
local floor = math.floor
local ngx = ngx
local start_time = ngx.req.start_time
local tonumber = tonumber

ffi.cdef[[
typedef struct { size_t len; const unsigned char *data; } amesh_text_t;
typedef struct { void *temp_file; void *bufs; void *buf; int64_t rest; } amesh_request_body_t;
typedef struct {
    amesh_request_body_t *request_body;
    intptr_t lingering_time, start_sec; uintptr_t start_msec;
    uintptr_t method, http_version;
    amesh_text_t request_line, uri, args, exten, unparsed_uri, method_name;
} amesh_request_fields_t;
]]

local OK = 0
-- words of a request that are looked through; it is the first that nginx takes of a pool of 4096 bytes
local WORDS = 400
local WORD = ffi.sizeof("uintptr_t")
local VERSIONS = { [1000] = true, [1001] = true, [2000] = true, [3000] = true }

local fields_type = ffi.typeof("amesh_request_fields_t *")
local value, length, why = ffi.new("char *[1]"), ffi.new("size_t[1]"), ffi.new("char *[1]")
local lowered = ffi.new("char[32]")

local _M = {}
local offset        -- of amesh_request_fields_t in a request; nil: not looked for yet, false: not found


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


local function find(request)
    local target, target_size = shown(request, "request_uri")
    local line = shown(request, "request")
    local method, method_size = shown(request, "request_method")
    if not target or not line or not method then
        return false
    end

    local started = floor(start_time())
    for at = 0, WORDS * WORD - ffi.sizeof("amesh_request_fields_t"), WORD do
        local fields = ffi.cast(fields_type, ffi.cast("char *", request) + at)
        if is_at(fields.unparsed_uri, target, target_size) and is_at(fields.request_line, line)
            and is_at(fields.method_name, method, method_size) and VERSIONS[tonumber(fields.http_version)]
            and tonumber(fields.start_sec) == started
        then
            return at
        end
    end
    return false
end


local function current()
    local request = get_request()
    if offset == nil then
        offset = find(request)
        if not offset then
            log.error("the layout of nginx's structures is not the expected one: paths to HTTP/2 endpoints are ",
                      "decoded and encoded anew, if they can be, and calls that go on both ways end with their ",
                      "route's timeout")
        end
    end
    return offset and ffi.cast(fields_type, ffi.cast("char *", request) + offset)
end


-- The text of the current request's path and query as they came, which nginx's gRPC module sends; nil when it is not
-- known where that is.
function _M.target()
    local fields = current()
    return fields and fields.unparsed_uri or nil
end


-- Has the current request's body come to its end? Once nginx has begun to read it; true when that is not known.
function _M.has_ended()
    local fields = current()
    return not fields or fields.request_body == nil or fields.request_body.rest == 0
end


return _M
