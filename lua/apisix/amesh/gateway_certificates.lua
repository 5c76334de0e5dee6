-- What is made of certificates in APISIX's own form, /ssls, where a gateway's filter chain names one.
local core = require("apisix.core")
local certificate = require("apisix.amesh.certificate")
local openssl = require("apisix.amesh.openssl")
local secrets = require("apisix.amesh.secrets")

local C = openssl.C
local require = require
local setmetatable = setmetatable
local tostring = tostring

local _M = {}

-- value of an object -> what was made of it, for as long as the object is there
local identities = setmetatable({}, { __mode = "k" })


local function parse(id, item)
    local value = item.value
    local name = value.snis and value.snis[1]
    local apisix_ssl = require("apisix.ssl")
    local chain, err = apisix_ssl.fetch_cert(name, value.cert)
    if not chain then
        return nil, "the certificate \"" .. id .. "\" cannot be read: " .. err
    end

    local key
    key, err = apisix_ssl.fetch_pkey(name, value.key)
    if not key then
        return nil, "the key of \"" .. id .. "\" cannot be read: " .. err
    end

    local leaf = C.amesh_sk_value(chain, 0)
    local identity = {
        chain = chain,
        key = key,
        leaf = leaf,
        uris = certificate.values(certificate.names(leaf), "uri"),
        version = item.modifiedIndex,
        client_ca = value.client and value.client.ca,
    }
    if identity.client_ca then
        identity.client_authority, err = secrets.authority_of(identity.client_ca, item.modifiedIndex)
        if not identity.client_authority then
            return nil, "the clients' authority of \"" .. id .. "\" " .. err
        end
    end
    return identity
end


-- Certificate and key of an object, as secrets.identity returns them, and the authority of its clients; nil and why
-- they cannot be had.
function _M.identity(id)
    local ssls = core.config.fetch_created_obj("/ssls")
    local item = ssls and ssls:get(tostring(id))
    local value = item and item.value
    if not value or not value.cert then
        return nil, "the certificate \"" .. id .. "\" has not come"
    end

    local known = identities[value]
    if known then
        return known
    end

    local identity, err = parse(id, item)
    identities[value] = identity
    return identity, err
end


return _M
