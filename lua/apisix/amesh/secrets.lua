-- Certificates, keys and authorities of the mesh (/amesh_secrets), made ready for use when a handshake first needs
-- them.
--
-- What was made of a secret hangs on its item: a rotated secret is a new item, so that new handshakes take the new one
-- and connections that are there stay as they are. Nothing here writes a secret anywhere.
local core = require("apisix.core")
local ssl = require("ngx.ssl")
local ffi = require("ffi")
local certificate = require("apisix.amesh.certificate")
local openssl = require("apisix.amesh.openssl")

local C = openssl.C
local error = error
local io = io
local ipairs = ipairs
local setmetatable = setmetatable
local type = type

local _M = {}

local PARTIAL_CHAIN = 0x80000
local CRL_CHECK, CRL_CHECK_ALL = 0x4, 0x8
-- where systems keep the authorities that they trust
local SYSTEM_FILES = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem",
}

local kind
local identities = setmetatable({}, { __mode = "k" })
local authorities = setmetatable({}, { __mode = "k" })
local system_authority


function _M.init_worker()
    if kind then
        return
    end

    local err
    kind, err = core.config.new("/amesh_secrets", { automatic = true })
    if not kind then
        error("failed to follow /amesh_secrets: " .. err)
    end
end


local function item_of(id)
    local item = kind and id and kind:get(id)
    if not item or type(item.value) ~= "table" then
        return nil
    end
    return item
end


local function make_identity(item)
    local secret = item.value
    if type(secret.certificate) ~= "string" or type(secret.key) ~= "string" then
        return { err = "has no certificate with a key" }
    end

    local chain, err = ssl.parse_pem_cert(secret.certificate)
    if not chain then
        return { err = "has a certificate that cannot be read: " .. err }
    end

    local key
    key, err = ssl.parse_pem_priv_key(secret.key)
    if not key then
        return { err = "has a key that cannot be read: " .. err }
    end

    local leaf = C.amesh_sk_value(chain, 0)
    if C.amesh_X509_check_private_key(leaf, key) ~= 1 then
        openssl.clear_errors()
        return { err = "has a key that is not its certificate's" }
    end

    return {
        chain = chain,
        key = key,
        pem = secret.certificate,
        pem_key = secret.key,
        leaf = leaf,
        uris = certificate.values(certificate.names(leaf), "uri"),
        version = item.modifiedIndex,
    }
end


local function add_authorities(store, subjects, text)
    local reader, count = openssl.reader(text), 0
    while true do
        local one = C.amesh_PEM_read_bio_X509(reader, nil, nil, nil)
        if one == nil then
            openssl.clear_errors()
            return count
        end

        C.amesh_X509_STORE_add_cert(store, one)
        C.amesh_sk_push(subjects, C.amesh_X509_NAME_dup(C.amesh_X509_get_subject_name(one)))
        C.amesh_X509_free(one)
        count = count + 1
    end
end


local function add_revocations(store, text)
    local reader = openssl.reader(text)
    while true do
        local list = C.amesh_PEM_read_bio_X509_CRL(reader, nil, nil, nil)
        if list == nil then
            openssl.clear_errors()
            break
        end

        C.amesh_X509_STORE_add_crl(store, list)
        C.amesh_X509_CRL_free(list)
    end

    C.amesh_X509_STORE_set_flags(store, CRL_CHECK + CRL_CHECK_ALL)
end


local function free_names(names)
    C.amesh_sk_pop_free(names, C.amesh_X509_NAME_free)
end


local function make_authority(ca, crl, version)
    if type(ca) ~= "string" then
        return { err = "has no authority" }
    end

    local store = ffi.gc(C.amesh_X509_STORE_new(), C.amesh_X509_STORE_free)
    local subjects = ffi.gc(C.amesh_sk_new_null(), free_names)
    if add_authorities(store, subjects, ca) == 0 then
        return { err = "has no authority that can be read" }
    end

    -- as Envoy: an authority in the middle is trusted, too
    C.amesh_X509_STORE_set_flags(store, PARTIAL_CHAIN)
    if type(crl) == "string" then
        add_revocations(store, crl)
    end

    return { store = store, subjects = subjects, ca = ca, version = version }
end


local function ready(made, item, make, id)
    if not item then
        return nil, "secret \"" .. (id or "") .. "\" has not come"
    end

    local known = made[item]
    if not known then
        known = make(item)
        made[item] = known
    end

    if known.err then
        return nil, "secret \"" .. id .. "\" " .. known.err
    end
    return known
end


-- { chain, key (as ngx.ssl parses them), pem, pem_key, leaf (X509 *), uris, version } of the secret; nil and why not.
function _M.identity(id)
    return ready(identities, item_of(id), make_identity, id)
end


-- A secret's authorities, with the names that it asks for itself, and those of each SPIFFE trust domain by its name.
local function make_authorities(item)
    local secret = item.value
    local made = make_authority(secret.ca, secret.crl, item.modifiedIndex)
    if made.err then
        return made
    end

    made.sans = secret.sans
    if type(secret.trust_domains) == "table" then
        made.domains = {}
        for _, domain in ipairs(secret.trust_domains) do
            local own = make_authority(domain.ca, secret.crl, item.modifiedIndex)
            if own.err then
                return own
            end
            made.domains[domain.name] = own
        end
        made.one_domain = #secret.trust_domains == 1
    end
    return made
end


-- { store (X509_STORE *), subjects, version, sans, domains } of the secret's authorities; nil and why not.
function _M.authority(id)
    return ready(authorities, item_of(id), make_authorities, id)
end


-- The text of a secret's key set; nil where it has not come.
function _M.jwks(id)
    local item = item_of(id)
    local text = item and item.value.jwks
    return type(text) == "string" and text or nil
end


-- The same of a text in PEM that is not a secret's own.
function _M.authority_of(ca, version)
    local made = make_authority(ca, nil, version)
    if made.err then
        return nil, made.err
    end
    return made
end


-- The same of the authorities that the system trusts. plugin_attr.amesh.system_ca names another file.
function _M.system_authority()
    if system_authority then
        return system_authority
    end

    local attr = core.table.try_read_attr(core.config.local_conf(), "plugin_attr", "amesh", "system_ca")
    for _, name in ipairs(attr and { attr } or SYSTEM_FILES) do
        local file = io.open(name, "rb")
        local text = file and file:read("*a")
        if file then
            file:close()
        end

        local made = text and make_authority(text, nil, name)
        if made and not made.err then
            system_authority = made
            return made
        end
    end

    return nil, "there is no file with authorities that the system trusts; plugin_attr.amesh.system_ca names one"
end


return _M
