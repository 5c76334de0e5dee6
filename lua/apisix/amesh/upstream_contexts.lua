-- nginx makes one SSL_CTX per location that it proxies from and shows it to nobody. It can be seen in the first
-- handshake, and with it two things can be had that nginx has no directive for:
--
-- - ALPN as the cluster asks for it: OpenSSL takes the protocols of a connection from its SSL_CTX, so they are set
--   there before a connection is made. Where another cluster's were set in between, the handshake is broken off and
--   made again. Which a connection took is told by a mark beside them: the argument of a callback that nobody sets.
-- - Verification in the location for HTTP/2: its module knows no proxy_ssl_verify_by_lua, but the function behind it
--   can be set in any SSL_CTX. Until that one has been seen, APISIX's runtime is told to verify the connection by a
--   store whose verifying function is the same one. It takes the store only with a client certificate: where the
--   cluster has none, another stands in (stand_in.lua), and the connection is broken off and made again without.
local ffi = require("ffi")
local base = require("resty.core.base")
local core = require("apisix.core")
local openssl = require("apisix.amesh.openssl")
local secrets = require("apisix.amesh.secrets")
local stand_in = require("apisix.amesh.stand_in")

ffi.cdef[[
int ngx_http_lua_proxy_ssl_verify_handler(void *store_context, void *data);
intptr_t amesh_upstream_set_ssl_verify(void *request, int verify) __asm__("ngx_http_apisix_upstream_set_ssl_verify");
intptr_t amesh_upstream_set_ssl_trusted_store(void *request, void *store)
    __asm__("ngx_http_apisix_upstream_set_ssl_trusted_store");
void amesh_X509_STORE_set_verify(void *store, void *verify) __asm__("X509_STORE_set_verify");
void amesh_SSL_CTX_set_record_padding_callback_arg(void *context, void *number)
    __asm__("SSL_CTX_set_record_padding_callback_arg");
void *amesh_SSL_get_record_padding_callback_arg(const void *ssl) __asm__("SSL_get_record_padding_callback_arg");
void amesh_SSL_CTX_set_cert_verify_callback(void *context, void *callback, void *data)
    __asm__("SSL_CTX_set_cert_verify_callback");
]]

local C = openssl.C
local get_request = base.get_request
local pcall = pcall
local setmetatable = setmetatable
local tonumber = tonumber

local _M = {}

-- what nginx's module for gRPC offers
local H2 = "\2h2"
local MOST_AGAIN = 20

-- "http1", "http2", "tcp at port N" -> { context = SSL_CTX *, alpn = on the wire }
local known = {}
-- protocols on the wire -> their mark; the array part has them by mark. Without a mark: what nginx itself offers.
local marks = {}
-- authority -> X509_STORE that leads to the function
local learners = setmetatable({}, { __mode = "k" })


local function verify_function()
    local ok, handler = pcall(function()
        return ffi.cast("void *", C.ngx_http_lua_proxy_ssl_verify_handler)
    end)
    return ok and handler or nil
end


-- Can connections of the location for HTTP/2 be verified here?
function _M.can_verify_http2()
    if known.http2 then
        return true
    end

    return verify_function() ~= nil and pcall(function()
        return C.amesh_upstream_set_ssl_verify
    end)
end


local function learner(authority)
    local store = learners[authority]
    if not store then
        store = secrets.authority_of(authority.ca, "").store
        C.amesh_X509_STORE_set_verify(store, verify_function())
        learners[authority] = store
    end
    return store
end


-- nginx looks at what OpenSSL found, and at the host name, unless `verify` says that all is well.
local function verify_by_store(state)
    local request = get_request()
    C.amesh_upstream_set_ssl_trusted_store(request, learner(state.authority))
    C.amesh_upstream_set_ssl_verify(request, 1)
end


local function offer(one, wanted)
    if one.alpn ~= wanted then
        C.amesh_SSL_CTX_set_alpn_protos(one.context, wanted, #wanted)
        local mark = marks[wanted]
        if not mark then
            mark = #marks + 1
            marks[mark], marks[wanted] = wanted, mark
        end
        C.amesh_SSL_CTX_set_record_padding_callback_arg(one.context, ffi.cast("void *", mark))
        one.alpn = wanted
    end
end


-- Balancer phase, for each try. False when the connection could not be verified: it must not be made.
function _M.before_try(state)
    state.again = false
    local one = known[state.kind]
    state.unseen = one == nil
    if one and state.stood_in then
        state.stood_in = false
        if not stand_in.take_away() then
            return false
        end
    end
    if one then
        offer(one, state.alpn)
        if state.kind == "http2" then
            C.amesh_upstream_set_ssl_verify(get_request(), 0)
        end
        return true
    end

    if state.kind ~= "http2" or not state.authority then
        return true
    end
    if not state.identity then
        state.stood_in = stand_in.set()
        if not state.stood_in then
            return false
        end
    end
    verify_by_store(state)
    return true
end


local function offered(connection, kind)
    local mark = tonumber(ffi.cast("intptr_t", C.amesh_SSL_get_record_padding_callback_arg(connection)))
    return marks[mark] or (kind == "http2" and H2 or "")
end


local function learn(connection, kind)
    local one = { context = C.amesh_SSL_get_SSL_CTX(connection), alpn = offered(connection, kind) }
    if kind == "http2" then
        C.amesh_SSL_CTX_set_cert_verify_callback(one.context, verify_function(), nil)
    end
    known[kind] = one
    core.log.info("the SSL_CTX for ", kind, " has been seen")
    return one
end


-- In the handshake: was the connection made with other protocols than the cluster's? Then it is to be made again.
function _M.is_to_be_made_again(connection, state)
    if not known[state.kind] then
        learn(connection, state.kind)
    end
    if not state.stood_in
        and (offered(connection, state.kind) == state.alpn or (state.times_again or 0) >= MOST_AGAIN)
    then
        return false
    end

    state.times_again = (state.times_again or 0) + 1
    state.again = true
    return true
end


-- In the handshake: the certificate holds.
function _M.accept(state)
    if state.unseen and state.kind == "http2" then
        C.amesh_upstream_set_ssl_verify(get_request(), 0)
    end
end


-- Tries that the connection may need beside those that the route grants.
function _M.spare_tries(state)
    return state and MOST_AGAIN or 0
end


_M.H2 = H2

return _M
