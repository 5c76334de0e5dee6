-- Members of nginx's request that no variable and no function of ngx_lua gives access to: where its path and query as
-- they came are kept, what has come of its body, and the connection to its endpoint.
--
-- They are found once in each process, by members that variables show, in the order that they have in every nginx 1.x:
--   signature, connection, ctx, main_conf, srv_conf, loc_conf, read_event_handler, write_event_handler, cache (where
--   nginx has one), upstream, upstream_states, pool, header_in, headers (ending in pool), …
--   request_body, lingering_time, start_sec, start_msec, method, http_version,
--   request_line, uri, args, exten, unparsed_uri, method_name, …, main, …, http_connection, stream
local ffi = require("ffi")
local base = require("resty.core.base")
local bit = require("bit")
local log = require("apisix.core.log")

local C = ffi.C
local get_request = base.get_request
local floor = math.floor
local ipairs = ipairs
local ngx = ngx
local ngx_var = ngx.var
local start_time = ngx.req.start_time
local tonumber = tonumber

ffi.cdef[[
typedef struct { size_t len; const unsigned char *data; } amesh_text_t;
typedef struct { uint8_t *pos, *last; int64_t file_pos, file_last; uint8_t *start, *end; } amesh_buffer_t;
typedef struct { void *temp_file; void *bufs; amesh_buffer_t *buf; int64_t rest; } amesh_request_body_t;
typedef struct {
    void *request, *connection, *node; uintptr_t queued; intptr_t send_window; size_t recv_window;
    amesh_buffer_t *preread; uintptr_t frames; void *free_frames, *free_frame_headers, *free_bufs, *queue[2];
    void *cookies, *pool; unsigned int flags;
} amesh_http2_stream_t;
typedef struct { void *handlers[2]; struct { void *data, *read, *write; int fd; } *connection; } amesh_upstream_t;
typedef struct {
    amesh_request_body_t *request_body;
    intptr_t lingering_time, start_sec; uintptr_t start_msec;
    uintptr_t method, http_version;
    amesh_text_t request_line, uri, args, exten, unparsed_uri, method_name;
    amesh_text_t http_protocol, schema;
    void *out, *main, *parent, *postponed, *post_subrequest, *posted_requests;
    intptr_t phase_handler; void *content_handler; uintptr_t access_code; void *variables;
    uintptr_t ncaptures; void *captures, *captures_data;
    size_t limit_rate, limit_rate_after, header_size; int64_t request_length; uintptr_t err_status;
    void *http_connection; amesh_http2_stream_t *stream;
} amesh_request_fields_t;
]]

local OK = 0
-- words of a request that are looked through; it is the first that nginx takes of a pool of 4096 bytes
local WORDS = 400
local WORD = ffi.sizeof("uintptr_t")
local VERSIONS = { [1000] = true, [1001] = true, [2000] = true, [3000] = true }
-- Which word of a request header_in is, without a cache and with one
local HEADER_IN = { 11, 12 }
-- from there to others
local UPSTREAM, POOL, LIST_POOL = -3, -1, 7
-- in_closed, the fourth flag or the fifth. The other of the two says that an answer has been sent as far as it can be.
local IN_CLOSED = 0x18

local words_type = ffi.typeof("uintptr_t *")
local buffer_type = ffi.typeof("amesh_buffer_t *")
local upstream_type = ffi.typeof("amesh_upstream_t *")
local fields_type = ffi.typeof("amesh_request_fields_t *")
local value, length, why = ffi.new("char *[1]"), ffi.new("size_t[1]"), ffi.new("char *[1]")
local lowered = ffi.new("char[32]")

local _M = {}
local header_word   -- the one of HEADER_IN; nil: not looked for yet, false: neither
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


local function fields_of(request)
    return offset and ffi.cast(fields_type, ffi.cast("char *", request) + offset) or nil
end


-- Something to ask about the current request by while it lives, in timers as well; nil when nothing can be known.
function _M.handle()
    return current() and get_request() or nil
end


-- Has nginx begun to read the body of a request (the current one where none is given), or Lua code?
function _M.is_being_read(request)
    local fields = request and fields_of(request) or current()
    return fields and fields.request_body ~= nil or false
end


-- Has the body come to its end? Once nginx has begun to read it; true when that is not known.
function _M.has_ended(request)
    local fields = request and fields_of(request) or current()
    return not fields or fields.request_body == nil or fields.request_body.rest == 0
end


-- Has the current request's body been read to its end? And the buffer into which nginx has read what did not come
-- together with the head: from its start to `last`.
function _M.body_buffer()
    local fields = current()
    local body = fields and fields.request_body
    if not body or body == nil or body.rest ~= 0 then
        return false
    end
    return true, body.buf ~= nil and body.buf or nil
end


-- Has the client of HTTP/2 said that nothing more comes? nil when that is not known, or the client speaks HTTP/1.
function _M.stream_has_ended()
    local fields, request = current(), get_request()
    if not fields or fields.http_version ~= 2000 then
        return nil
    end

    local stream = fields.stream
    if ffi.cast("void *", request) ~= fields.main or stream == nil or stream.request ~= fields.main
        or tonumber(fields.request_length) ~= tonumber(ngx_var.request_length)
    then
        return nil
    end
    return bit.band(stream.flags, IN_CLOSED) ~= 0
end


-- Which word of a request header_in is: the pool stands before it, and again at the end of the headers after it.
local function header_in_of(words)
    if header_word == nil then
        header_word = false
        for _, word in ipairs(HEADER_IN) do
            if words[word + POOL] ~= 0 and words[word + POOL] == words[word + LIST_POOL] then
                header_word = word
            end
        end
    end
    return header_word
end


-- The buffer that nginx reads the head of a request of HTTP/1 into. What stands there from `pos` to `last` has come
-- after it. nil when it is not known where that is.
function _M.header_buffer()
    local fields = current()
    local words = fields and fields.http_version <= 1001 and ffi.cast(words_type, get_request())
    local word = words and header_in_of(words)
    local buffer = word and ffi.cast(buffer_type, words[word])
    if not buffer or buffer == nil or buffer.start > buffer.pos or buffer.pos > buffer.last
        or buffer.last > buffer["end"]
    then
        return nil
    end
    return buffer
end


-- Descriptor of a request's connection to its endpoint; nil when there is none, or it is not known.
function _M.endpoint_descriptor(request)
    local words = ffi.cast(words_type, request)
    local word = header_in_of(words)
    local upstream = word and ffi.cast(upstream_type, words[word + UPSTREAM])
    if not upstream or upstream == nil or upstream.connection == nil then
        return nil
    end
    return upstream.connection.fd
end


return _M
