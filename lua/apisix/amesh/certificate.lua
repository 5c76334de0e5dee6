-- What a certificate (X509 *) says: its names, its subject, its hash.
local ffi = require("ffi")
local openssl = require("apisix.amesh.openssl")

local C = openssl.C
local concat = table.concat
local format = string.format
local gsub = string.gsub
local byte = string.byte
local upper = string.upper

local SUBJECT_ALT_NAME = 85
-- GENERAL_NAME's types
local KINDS = { [1] = "email", [2] = "dns", [6] = "uri", [7] = "ip" }
local RFC2253 = 0x1110317     -- XN_FLAG_RFC2253
local AF_INET6 = 10

local _M = {}
local kind = ffi.new("int[1]")
local digest = ffi.new("uint8_t[64]")
local size = ffi.new("unsigned int[1]")


local function ip_text(bytes)
    if #bytes == 4 then
        return format("%d.%d.%d.%d", byte(bytes, 1, 4))
    end
    if #bytes ~= 16 then
        return nil
    end

    local address = ffi.new("char[64]")
    return C.amesh_inet_ntop(AF_INET6, bytes, address, 64) ~= nil and ffi.string(address) or nil
end


-- { {type = "uri"|"dns"|"email"|"ip", value = text}, ... } in the certificate's order.
function _M.names(certificate)
    local list = {}
    local names = C.amesh_X509_get_ext_d2i(certificate, SUBJECT_ALT_NAME, nil, nil)
    if names == nil then
        return list
    end

    for index = 0, openssl.stack_size(names) - 1 do
        local value = C.amesh_GENERAL_NAME_get0_value(C.amesh_sk_value(names, index), kind)
        local name = KINDS[kind[0]]
        if name then
            local text = ffi.string(C.amesh_ASN1_STRING_get0_data(value), C.amesh_ASN1_STRING_length(value))
            if name == "ip" then
                text = ip_text(text)
            end
            list[#list + 1] = text and { type = name, value = text }
        end
    end

    C.amesh_GENERAL_NAMES_free(names)
    return list
end


-- Values of one type.
function _M.values(names, wanted)
    local values = {}
    for index = 1, #names do
        if names[index].type == wanted then
            values[#values + 1] = names[index].value
        end
    end
    return values
end


-- "CN=x,O=y", as RFC 2253 writes it.
function _M.subject(certificate)
    return openssl.written(function(bio)
        C.amesh_X509_NAME_print_ex(bio, C.amesh_X509_get_subject_name(certificate), 0, RFC2253)
    end)
end


-- SHA-256 of the certificate, in lower-case hexadecimal.
function _M.fingerprint(certificate)
    size[0] = 64
    if C.amesh_X509_digest(certificate, C.amesh_EVP_sha256(), digest, size) ~= 1 then
        return ""
    end
    return (gsub(ffi.string(digest, size[0]), ".", function(character)
        return format("%02x", byte(character))
    end))
end


-- The certificate in PEM.
function _M.pem(certificate)
    return openssl.written(function(bio)
        C.amesh_PEM_write_bio_X509(bio, certificate)
    end)
end


-- Text with all but unreserved characters written as %XX, as Envoy writes PEM into a header.
function _M.url_encoded(text)
    return (gsub(text, "[^%w%-%._~]", function(character)
        return "%" .. upper(format("%02x", byte(character)))
    end))
end


-- What a log line says about a certificate: its names, or its subject where it has none.
function _M.describe(certificate)
    local names = _M.names(certificate)
    if #names == 0 then
        return "subject \"" .. _M.subject(certificate) .. "\""
    end

    local texts = {}
    for index = 1, #names do
        texts[index] = names[index].value
    end
    return concat(texts, ", ")
end


return _M
