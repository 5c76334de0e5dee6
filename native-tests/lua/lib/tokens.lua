-- Makes keys and signed tokens, by the same OpenSSL that checks them.
local ffi = require("ffi")
local json = require("cjson.safe")
require("apisix.amesh.jwt.signature")
local openssl = require("apisix.amesh.openssl")

local C = ffi.C

ffi.cdef[[
void *test_EVP_PKEY_Q_keygen(void *context, const char *query, const char *kind, ...) __asm__("EVP_PKEY_Q_keygen");
int test_EVP_DigestSignInit(void *context, void **pkey_context, const void *kind, void *engine, void *key)
    __asm__("EVP_DigestSignInit");
int test_EVP_DigestSign(void *context, uint8_t *out, size_t *size, const uint8_t *data, size_t data_size)
    __asm__("EVP_DigestSign");
]]

local _M = {}

local SIZES = { ["P-256"] = 32, ["P-384"] = 48, ["P-521"] = 66 }
local DIGESTS = { ["256"] = C.amesh_jwt_sha256, ["384"] = C.amesh_jwt_sha384, ["512"] = C.amesh_jwt_sha512 }

function _M.base64url(bytes)
    return (ngx.encode_base64(bytes, true):gsub("+", "-"):gsub("/", "_"))
end
local base64url = _M.base64url

local function public_text(key)
    return require("apisix.amesh.jwt.signature").written(key)
end

-- kind: "RSA", "oct", "Ed25519" or a curve. extra: members of the JWK.
function _M.key(kind, extra)
    local jwk, key = {}
    if kind == "oct" then
        key = "a secret of " .. ngx.now() .. math.random(1e9)
        jwk.kty, jwk.k = "oct", base64url(key)
    elseif kind == "RSA" then
        key = C.test_EVP_PKEY_Q_keygen(nil, nil, "RSA", ffi.cast("size_t", 2048))
        jwk.kty, jwk.n, jwk.e = "RSA", base64url(public_text(key):sub(-261, -6)), "AQAB"
    elseif kind == "Ed25519" then
        key = C.test_EVP_PKEY_Q_keygen(nil, nil, "ED25519")
        jwk.kty, jwk.crv, jwk.x = "OKP", kind, base64url(public_text(key):sub(-32))
    else
        key = C.test_EVP_PKEY_Q_keygen(nil, nil, "EC", ffi.cast("char *", kind))
        local size, text = SIZES[kind], public_text(key)
        jwk.kty, jwk.crv = "EC", kind
        jwk.x, jwk.y = base64url(text:sub(-2 * size, -size - 1)), base64url(text:sub(-size))
    end
    for name, value in pairs(extra or {}) do
        jwk[name] = value ~= "" and value or nil
    end
    return { kind = kind, key = key, jwk = jwk }
end

local function hmac(secret, kind, data)
    local out, size = ffi.new("uint8_t[64]"), ffi.new("unsigned int[1]")
    C.amesh_HMAC(kind, secret, #secret, data, #data, out, size)
    return ffi.string(out, size[0])
end

-- Out of the DER that OpenSSL writes: two numbers, each as long as the curve's.
local function side_by_side(der, size)
    local at = der:byte(2) >= 0x80 and 4 or 3
    local numbers = {}
    for i = 1, 2 do
        local length = der:byte(at + 1)
        local number = der:sub(at + 2, at + 1 + length):gsub("^%z+", "")
        numbers[i] = ("\0"):rep(size - #number) .. number
        at = at + 2 + length
    end
    return numbers[1] .. numbers[2]
end

function _M.sign(key, alg, data)
    local digest = DIGESTS[alg:sub(-3)]
    if alg:sub(1, 2) == "HS" then
        return hmac(key.key, digest(), data)
    end

    local context = ffi.gc(C.amesh_EVP_MD_CTX_new(), C.amesh_EVP_MD_CTX_free)
    local of_key, size = ffi.new("void *[1]"), ffi.new("size_t[1]", 1024)
    local out = ffi.new("uint8_t[1024]")
    assert(C.test_EVP_DigestSignInit(context, of_key, digest and digest() or nil, nil, key.key) == 1, openssl.reason())
    if alg:sub(1, 2) == "PS" then
        C.amesh_EVP_PKEY_CTX_ctrl_str(of_key[0], "rsa_padding_mode", "pss")
        C.amesh_EVP_PKEY_CTX_ctrl_str(of_key[0], "rsa_pss_saltlen", "digest")
    end
    assert(C.test_EVP_DigestSign(context, out, size, data, #data) == 1, openssl.reason())
    local signature = ffi.string(out, size[0])
    return SIZES[key.kind] and side_by_side(signature, SIZES[key.kind]) or signature
end

local function text_of(section)
    return type(section) == "table" and json.encode(section) or section
end

-- header, claims: tables, or texts as they are to be.
function _M.token(key, header, claims)
    local alg = type(header) == "table" and header.alg or "HS256"
    local signed = base64url(text_of(header)) .. "." .. base64url(text_of(claims))
    return signed .. "." .. base64url(_M.sign(key, alg, signed))
end

function _M.set(...)
    local keys = {}
    for i, key in ipairs({ ... }) do
        keys[i] = key.jwk
    end
    return json.encode({ keys = keys })
end

-- The key of RSA or a curve as PEM, for who takes public text for a secret.
function _M.pem(key)
    return "-----BEGIN PUBLIC KEY-----\n" .. ngx.encode_base64(public_text(key.key)) .. "\n-----END PUBLIC KEY-----\n"
end

return _M
