-- A certificate that stands in where a request shows none: APISIX's runtime takes the store that a connection is
-- verified by only together with a client certificate. It says nothing and nobody trusts it; the connection that it is
-- set for is broken off once the endpoint has shown its own certificate, and gets no request.
local ffi = require("ffi")
local base = require("resty.core.base")
local core = require("apisix.core")
local openssl = require("apisix.amesh.openssl")

ffi.cdef[[
void *amesh_EVP_PKEY_Q_keygen(void *library, const char *properties, const char *kind, ...)
    __asm__("EVP_PKEY_Q_keygen");
void *amesh_X509_new(void) __asm__("X509_new");
int amesh_X509_set_pubkey(void *certificate, void *key) __asm__("X509_set_pubkey");
void *amesh_X509_getm_notBefore(const void *certificate) __asm__("X509_getm_notBefore");
void *amesh_X509_getm_notAfter(const void *certificate) __asm__("X509_getm_notAfter");
void *amesh_X509_gmtime_adj(void *time, long seconds) __asm__("X509_gmtime_adj");
int amesh_X509_sign(void *certificate, void *key, const void *digest) __asm__("X509_sign");
intptr_t amesh_upstream_set_cert_and_key(void *request, void *chain, void *key)
    __asm__("ngx_http_apisix_upstream_set_cert_and_key");
]]

local C = openssl.C
local get_request = base.get_request
local error = error
local pcall = pcall

local _M = {}

local OK = 0
local A_DAY = 86400

-- { chain = a stack with the certificate, none = an empty one, key }, made when first needed
local made


local function must(result)
    if result == nil or result == 0 then
        error(openssl.reason())
    end
    return result
end


local function make()
    local key = ffi.gc(must(C.amesh_EVP_PKEY_Q_keygen(nil, nil, "EC", ffi.cast("const char *", "P-256"))),
                       C.amesh_EVP_PKEY_free)
    local certificate = ffi.gc(must(C.amesh_X509_new()), C.amesh_X509_free)
    must(C.amesh_X509_gmtime_adj(C.amesh_X509_getm_notBefore(certificate), 0))
    must(C.amesh_X509_gmtime_adj(C.amesh_X509_getm_notAfter(certificate), A_DAY))
    must(C.amesh_X509_set_pubkey(certificate, key))
    must(C.amesh_X509_sign(certificate, key, C.amesh_EVP_sha256()))

    -- as long as the worker lives
    local chain, none = must(C.amesh_sk_new_null()), must(C.amesh_sk_new_null())
    must(C.amesh_sk_push(chain, certificate))
    return { key = key, certificate = certificate, chain = chain, none = none }
end


-- Sets it for the current request's next connection. False when it cannot be.
function _M.set()
    if not made then
        local ok, result = pcall(make)
        if not ok then
            core.log.error("no certificate can be made that stands in: ", result)
            return false
        end
        made = result
    end
    return C.amesh_upstream_set_cert_and_key(get_request(), made.chain, made.key) == OK
end


-- Takes it away again. The runtime has no function for that, but shows nothing of an empty chain (and logs "invalid
-- client certificate provided" for it).
function _M.take_away()
    return C.amesh_upstream_set_cert_and_key(get_request(), made.none, made.key) == OK
end


return _M
