-- Signatures by the keys of a JWKS, checked by the OpenSSL that nginx itself is linked with. Which algorithms a key is
-- good for follows from what kind of key it is, never from the token: a public key of RSA is not a shared secret.
--
-- Over FFI rather than lua-resty-openssl: that one comes with APISIX only by way of other libraries, in any version,
-- and not with nginx of a distribution at all.
local ffi = require("ffi")
local der = require("apisix.amesh.jwt.der")
local openssl = require("apisix.amesh.openssl")

local C = ffi.C

ffi.cdef[[
void *amesh_d2i_PUBKEY(void *out, const uint8_t **data, long size) __asm__("d2i_PUBKEY");
int amesh_i2d_PUBKEY(void *key, uint8_t **out) __asm__("i2d_PUBKEY");
void *amesh_X509_get_pubkey(void *certificate) __asm__("X509_get_pubkey");

const void *amesh_jwt_sha256(void) __asm__("EVP_sha256");
const void *amesh_jwt_sha384(void) __asm__("EVP_sha384");
const void *amesh_jwt_sha512(void) __asm__("EVP_sha512");

void *amesh_EVP_MD_CTX_new(void) __asm__("EVP_MD_CTX_new");
void amesh_EVP_MD_CTX_free(void *context) __asm__("EVP_MD_CTX_free");
int amesh_EVP_DigestVerifyInit(void *context, void **pkey_context, const void *kind, void *engine, void *key)
    __asm__("EVP_DigestVerifyInit");
int amesh_EVP_PKEY_CTX_ctrl_str(void *context, const char *name, const char *value) __asm__("EVP_PKEY_CTX_ctrl_str");
int amesh_EVP_DigestVerify(void *context, const uint8_t *signature, size_t size, const uint8_t *data, size_t data_size)
    __asm__("EVP_DigestVerify");
int amesh_EVP_Digest(const void *data, size_t size, uint8_t *out, unsigned int *out_size, const void *kind,
    void *engine) __asm__("EVP_Digest");
uint8_t *amesh_HMAC(const void *kind, const void *key, int key_size, const uint8_t *data, size_t size, uint8_t *out,
    unsigned int *out_size) __asm__("HMAC");
int amesh_CRYPTO_memcmp(const void *one, const void *other, size_t size) __asm__("CRYPTO_memcmp");
]]

local _M = {}

local digest = ffi.new("uint8_t[64]")
local digest_size = ffi.new("unsigned int[1]")
local data_out = ffi.new("uint8_t *[1]")
local data_at = ffi.new("const uint8_t *[1]")
local pkey_context = ffi.new("void *[1]")

-- twice the longest number of a curve is 132
local LONGEST_ECDSA = 512

-- algorithm -> kind of key, digest, padding
local ALGORITHMS = {
    RS256 = { "RSA", C.amesh_jwt_sha256 }, RS384 = { "RSA", C.amesh_jwt_sha384 }, RS512 = { "RSA", C.amesh_jwt_sha512 },
    PS256 = { "RSA", C.amesh_jwt_sha256, "pss" }, PS384 = { "RSA", C.amesh_jwt_sha384, "pss" },
    PS512 = { "RSA", C.amesh_jwt_sha512, "pss" },
    ES256 = { "EC", C.amesh_jwt_sha256 }, ES384 = { "EC", C.amesh_jwt_sha384 }, ES512 = { "EC", C.amesh_jwt_sha512 },
    HS256 = { "oct", C.amesh_jwt_sha256 }, HS384 = { "oct", C.amesh_jwt_sha384 }, HS512 = { "oct", C.amesh_jwt_sha512 },
    EdDSA = { "OKP" },
}


-- A public key as DER.
function _M.written(key)
    local size = C.amesh_i2d_PUBKEY(key, nil)
    if size <= 0 then
        openssl.clear_errors()
        return ""
    end

    local out = ffi.new("uint8_t[?]", size)
    data_out[0] = out
    C.amesh_i2d_PUBKEY(key, data_out)
    return ffi.string(out, size)
end


-- A public key out of its DER; nil where OpenSSL does not take it.
function _M.public_key(text)
    data_at[0] = ffi.cast("const uint8_t *", text)
    local key = C.amesh_d2i_PUBKEY(nil, data_at, #text)
    if key == nil then
        openssl.clear_errors()
        return nil
    end
    return ffi.gc(key, C.amesh_EVP_PKEY_free)
end


-- The public key of a certificate in PEM; nil where it has none of RSA.
function _M.certificate_key(pem)
    local certificate = C.amesh_PEM_read_bio_X509(openssl.reader(pem), nil, nil, nil)
    if certificate == nil then
        openssl.clear_errors()
        return nil
    end

    local key = C.amesh_X509_get_pubkey(certificate)
    C.amesh_X509_free(certificate)
    openssl.clear_errors()
    if key == nil then
        return nil
    end

    ffi.gc(key, C.amesh_EVP_PKEY_free)
    return der.is_rsa(_M.written(key)) and key or nil
end


local function verify_public(key, kind, padding, signature, data)
    local context = ffi.gc(C.amesh_EVP_MD_CTX_new(), C.amesh_EVP_MD_CTX_free)
    local good = C.amesh_EVP_DigestVerifyInit(context, pkey_context, kind, nil, key) == 1
                 and (not padding or C.amesh_EVP_PKEY_CTX_ctrl_str(pkey_context[0], "rsa_padding_mode", padding) == 1)
                 -- the salt is as long as it is, as for Envoy
                 and (not padding or C.amesh_EVP_PKEY_CTX_ctrl_str(pkey_context[0], "rsa_pss_saltlen", "auto") == 1)
                 and C.amesh_EVP_DigestVerify(context, signature, #signature, data, #data) == 1
    if not good then
        openssl.clear_errors()
    end
    return good
end


local function verify_shared(secret, kind, signature, data)
    if C.amesh_HMAC(kind, secret, #secret, data, #data, digest, digest_size) == nil then
        openssl.clear_errors()
        return false
    end
    return digest_size[0] == #signature and C.amesh_CRYPTO_memcmp(digest, signature, #signature) == 0
end


-- key: { kty, public (an EVP_PKEY) or secret (bytes) }
function _M.holds(key, alg, signature, data)
    local algorithm = ALGORITHMS[alg]
    if not algorithm or algorithm[1] ~= key.kty then
        return false
    end

    local kind = algorithm[2] and algorithm[2]() or nil
    if key.kty == "oct" then
        return verify_shared(key.secret, kind, signature, data)
    end
    if key.kty == "EC" then
        if #signature > LONGEST_ECDSA then
            return false
        end
        signature = der.ecdsa(signature)
    end
    return verify_public(key.public, kind, algorithm[3], signature, data)
end


function _M.sha256(text)
    if C.amesh_EVP_Digest(text, #text, digest, digest_size, C.amesh_jwt_sha256(), nil) ~= 1 then
        openssl.clear_errors()
        return nil
    end
    return ffi.string(digest, digest_size[0])
end


return _M
