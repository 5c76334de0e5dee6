-- Which protocol a server of nginx's stream that ends TLS chooses (ALPN): the first of the chain's that the client
-- offers, as Envoy; none where they share none.
--
-- nginx can be told one list for a server (ssl_alpn) and breaks off where nothing in it fits. OpenSSL asks a function
-- that stands in the SSL_CTX, with an argument that stands beside it, nginx's being the server's list. Nobody shows the
-- two, but where OpenSSL keeps them can be seen in an SSL_CTX of our own, and that the server's are what they are to be
-- is proven by what the argument points to: the list that amesh-tls-end.conf gives. With nginx's function an SSL_CTX is
-- made for each protocol that is ever chosen; connections take that one, or one without any.
local ffi = require("ffi")
local log = require("apisix.core.log")
local openssl = require("apisix.amesh.openssl")

ffi.cdef[[
typedef struct { size_t length; const uint8_t *data; } amesh_text_t;
int ngx_stream_lua_ssl_cert_handler(void *ssl, void *data);
void amesh_SSL_CTX_set_alpn_select_cb(void *context, void *callback, void *argument)
    __asm__("SSL_CTX_set_alpn_select_cb");
void amesh_SSL_CTX_free(void *context) __asm__("SSL_CTX_free");
]]

local C = openssl.C
local char = string.char
local ipairs = ipairs
local pcall = pcall

local _M = {}

-- `ssl_alpn` in amesh-tls-end.conf, as it is on the wire
local OWN_LIST = "\5amesh"
-- no SSL_CTX is smaller than so many words; the two are far before the end
local MOST_WORDS = 150
local MARK, MARK_BESIDE = 0x616d65736801, 0x616d65736802

local select_function       -- nil: not looked for yet, false: not to be had
local contexts = {}         -- protocol, or "" -> { SSL_CTX, what it points to }


local function pointer(number)
    return ffi.cast("void *", ffi.cast("uintptr_t", number))
end


-- Number of the word of an SSL_CTX that has the function; the next one has the argument.
local function place_in_context()
    local own = C.amesh_SSL_CTX_new(C.amesh_TLS_method())
    C.amesh_SSL_CTX_set_alpn_select_cb(own, pointer(MARK), pointer(MARK_BESIDE))
    local words, place = ffi.cast("void **", own), nil
    for index = 0, MOST_WORDS do
        if words[index] == pointer(MARK) and words[index + 1] == pointer(MARK_BESIDE) then
            place = index
            break
        end
    end
    C.amesh_SSL_CTX_free(own)
    return place
end


local function find_select_function(ssl)
    local place = place_in_context()
    if not place then
        return false, "OpenSSL's SSL_CTX is not as expected"
    end

    local words = ffi.cast("void **", C.amesh_SSL_get_SSL_CTX(ssl))
    if words[place] == nil or words[place + 1] == nil then
        return false, "the server has no ssl_alpn (amesh-tls-end.conf)"
    end

    local list = ffi.cast("amesh_text_t *", words[place + 1])
    if list.length ~= #OWN_LIST or ffi.string(list.data, list.length) ~= OWN_LIST then
        return false, "the server's ssl_alpn is another one than that of amesh-tls-end.conf"
    end
    return words[place]
end


local function new_context()
    local context = C.amesh_SSL_CTX_new(C.amesh_TLS_method())
    C.amesh_SSL_CTX_set_cert_cb(context, ffi.cast("void *", C.ngx_stream_lua_ssl_cert_handler), nil)
    return context
end


-- protocol: "" for none.
local function context_for(protocol)
    local known = contexts[protocol]
    if not known then
        known = { context = new_context() }
        if protocol ~= "" then
            known.wire = char(#protocol) .. protocol
            known.list = ffi.new("amesh_text_t", #known.wire, ffi.cast("const uint8_t *", known.wire))
            C.amesh_SSL_CTX_set_alpn_select_cb(known.context, select_function, known.list)
        end
        contexts[protocol] = known
    end
    return known.context
end


local function shared(ours, offered)
    local there = {}
    for _, name in ipairs(offered) do
        there[name] = true
    end
    for _, name in ipairs(ours or {}) do
        if there[name] then
            return name
        end
    end
    return ""
end


-- In a client's first message. ours: the chain's list, or nil; offered: the client's.
function _M.choose(ssl, ours, offered)
    if select_function == nil then
        local ok, found, why = pcall(find_select_function, ssl)
        select_function = ok and found or false
        if not select_function then
            log.warn("no protocols are chosen for TCP inside TLS: ", ok and why or found)
        end
    end

    C.amesh_SSL_set_SSL_CTX(ssl, context_for(select_function and shared(ours, offered) or ""))
end


return _M
