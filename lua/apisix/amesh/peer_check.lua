-- Does what the other end of a TLS connection showed hold: the chain up to an authority, and one of the wanted names?
local ffi = require("ffi")
local certificate = require("apisix.amesh.certificate")
local openssl = require("apisix.amesh.openssl")
local san_match = require("apisix.amesh.san_match")

local C = openssl.C

local _M = {}

-- what the certificate is to be good for
_M.SERVER, _M.CLIENT = "ssl_server", "ssl_client"


local function verify_chain(leaf, chain, store, purpose)
    local context = ffi.gc(C.amesh_X509_STORE_CTX_new(), C.amesh_X509_STORE_CTX_free)
    if C.amesh_X509_STORE_CTX_init(context, store, leaf, chain) ~= 1 then
        return false, openssl.reason()
    end

    C.amesh_X509_STORE_CTX_set_default(context, purpose)
    local good = C.amesh_X509_verify_cert(context) == 1
    openssl.clear_errors()
    if not good then
        return false, openssl.verify_error(C.amesh_X509_STORE_CTX_get_error(context))
    end
    return true
end


-- leaf: X509 *; chain: STACK_OF(X509) * with it; authority: of secrets.lua, or nil when nothing is to be verified
-- against one; wanted: { sans = matchers|nil, host = name|nil }. True, or false and why not.
function _M.holds(leaf, chain, authority, purpose, wanted)
    if authority then
        local good, why = verify_chain(leaf, chain, authority.store, purpose)
        if not good then
            return false, why
        end
    end

    if not wanted.sans and not wanted.host then
        return true
    end

    local names = certificate.names(leaf)
    if wanted.sans and not san_match.any(wanted.sans, names) then
        return false, "none of its names is one that is asked for"
    end
    if wanted.host and not san_match.host(wanted.host, names) then
        return false, "it is not for " .. wanted.host
    end
    return true
end


return _M
