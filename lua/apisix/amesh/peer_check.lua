-- Does what the other end of a TLS connection showed hold: the chain up to an authority, and one of the wanted names?
local ffi = require("ffi")
local certificate = require("apisix.amesh.certificate")
local openssl = require("apisix.amesh.openssl")
local san_match = require("apisix.amesh.san_match")

local C = openssl.C
local ipairs = ipairs
local match = string.match

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


-- The authorities that a certificate is to be of: where they are told by SPIFFE trust domain, those of the domain that
-- it names. nil and why not.
local function of_domain(authority, names)
    if not authority.domains then
        return authority
    end

    for _, name in ipairs(names) do
        local domain = name.type == "uri" and match(name.value, "^spiffe://([^/]+)")
        if domain then
            return authority.domains[domain], "trust domain " .. domain .. " is not known"
        end
    end
    return nil, "it names no trust domain"
end


-- Has one of the names that are asked for, by `sans` or by the authority's own secret? Both lists are one, as in Envoy.
function _M.named(names, sans, authority)
    local more = authority and authority.sans
    if not sans and not more then
        return true
    end
    return (sans and san_match.any(sans, names)) or (more and san_match.any(more, names)) or false
end


-- The client's certificate was verified against all of an authority's domains together: is it of its own? A resumed
-- session has no chain any more to verify again by, and with one domain there is no need to.
function _M.in_domain(leaf, chain, authority, purpose, names)
    if not authority.domains then
        return true
    end

    local own, why = of_domain(authority, names)
    if not own then
        return false, why
    end
    if authority.one_domain then
        return true
    end
    return verify_chain(leaf, chain, own.store, purpose)
end


-- leaf: X509 *; chain: STACK_OF(X509) * with it; authority: of secrets.lua, or nil when nothing is to be verified
-- against one; wanted: { sans = matchers|nil, host = name|nil }. True, or false and why not.
function _M.holds(leaf, chain, authority, purpose, wanted)
    local names = certificate.names(leaf)
    if authority then
        local own, why = of_domain(authority, names)
        local good = false
        if own then
            good, why = verify_chain(leaf, chain, own.store, purpose)
        end
        if not good then
            return false, why
        end
    end

    if not _M.named(names, wanted.sans, authority) then
        return false, "none of its names is one that is asked for"
    end
    if wanted.host and not san_match.host(wanted.host, names) then
        return false, "it is not for " .. wanted.host
    end
    return true
end


return _M
