-- A JSON Web Key Set: its keys made ready for use, once for each text and worker. A key that is not good is left out,
-- as Envoy does; a set without a good key is none.
local lrucache = require("resty.lrucache")
local base64url = require("apisix.amesh.jwt.base64url")
local claims = require("apisix.amesh.jwt.claims")
local der = require("apisix.amesh.jwt.der")
local signature = require("apisix.amesh.jwt.signature")
local status = require("apisix.amesh.jwt.status")
local strict_json = require("apisix.amesh.jwt.strict_json")

local byte = string.byte
local find = string.find
local ipairs = ipairs
local pairs = pairs
local sort = table.sort
local sub = string.sub
local type = type

local _M = {}

local TEXTS = 256
local CERTIFICATE_BEGIN, CERTIFICATE_END = "-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"
local CURVE_OF = { ES256 = "P-256", ES384 = "P-384", ES512 = "P-521" }
local CURVES = { ["P-256"] = true, ["P-384"] = true, ["P-521"] = true }
local SHARED = { HS256 = true, HS384 = true, HS512 = true }
-- exponents that are in use; others are left out, as Envoy does
local EXPONENTS = { ["\3"] = true, ["\1\0\1"] = true }
local SHORTEST_MODULUS, LONGEST_MODULUS = 64, 2048

local made = lrucache.new(TEXTS)


-- The bytes of a member; nil where it has none.
local function bytes_of(jwk, name)
    local text = jwk[name]
    return type(text) == "string" and base64url.decode(text) or nil
end


local function rsa(key, jwk)
    if key.alg and not find(key.alg, "^[RP]S") then
        return nil
    end

    local n, e = bytes_of(jwk, "n"), bytes_of(jwk, "e")
    n = n and der.stripped(n)
    if not n or not e or not EXPONENTS[der.stripped(e)] or #n < SHORTEST_MODULUS or #n > LONGEST_MODULUS
        or byte(n, -1) % 2 == 0
    then
        return nil
    end

    key.public = signature.public_key(der.rsa(n, e))
    return key.public
end


local function ec(key, jwk)
    if key.alg and not find(key.alg, "^ES") then
        return nil
    end

    local curve = jwk.crv
    if curve == nil or curve == "" then
        curve = key.alg and CURVE_OF[key.alg] or not key.alg and "P-256"
    end
    local x, y = bytes_of(jwk, "x"), bytes_of(jwk, "y")
    if not CURVES[curve] or (key.alg and CURVE_OF[key.alg] ~= curve) or not x or not y then
        return nil
    end

    local text = der.ec(curve, x, y)
    key.public = text and signature.public_key(text)
    return key.public
end


local function shared(key, jwk)
    if key.alg and not SHARED[key.alg] then
        return nil
    end

    key.secret = bytes_of(jwk, "k")
    return key.secret and key.secret ~= ""
end


local function edwards(key, jwk)
    if (key.alg and key.alg ~= "EdDSA") or jwk.crv ~= "Ed25519" then
        return nil
    end

    local x = bytes_of(jwk, "x")
    key.public = x and #x == 32 and signature.public_key(der.ed25519(x))
    return key.public
end


local KINDS = { RSA = rsa, EC = ec, oct = shared, OKP = edwards }


local function key_of(jwk)
    local make = type(jwk) == "table" and KINDS[jwk.kty]
    if not make then
        return nil
    end

    local function text_of(name)
        local text = claims.text(jwk, name)
        return text ~= "" and text or nil
    end
    local key = { kty = jwk.kty, kid = text_of("kid"), alg = text_of("alg") }
    return make(key, jwk) and key or nil
end


-- { KID: certificate in PEM, ... }, as some issuers publish their keys.
local function of_certificates(set)
    local kids = {}
    for kid, pem in pairs(set) do
        if type(kid) ~= "string" or kid == "" or type(pem) ~= "string"
            or sub(pem, 1, #CERTIFICATE_BEGIN) ~= CERTIFICATE_BEGIN or sub(pem, -#CERTIFICATE_END) ~= CERTIFICATE_END
        then
            return nil
        end
        kids[#kids + 1] = kid
    end

    sort(kids)
    local keys = {}
    for place, kid in ipairs(kids) do
        local public = signature.certificate_key(set[kid])
        if not public then
            return nil
        end
        keys[place] = { kty = "RSA", kid = kid, public = public }
    end
    return keys[1] and keys
end


local function read(text)
    local set = strict_json.object(text)
    if not set then
        return nil, status.keys_bad_json
    end

    if set.keys == nil then
        local keys = of_certificates(set)
        if not keys then
            return nil, status.keys_missing
        end
        return keys
    end
    if not strict_json.is_array(set.keys) then
        return nil, status.keys_not_array
    end

    local keys = {}
    for _, jwk in ipairs(set.keys) do
        keys[#keys + 1] = key_of(jwk)
    end
    if not keys[1] then
        return nil, status.no_valid_keys
    end
    return keys
end


-- The keys of a text, always the same table for the same text: [{ kty, kid, alg, public or secret }]; nil and the
-- status where it has none.
function _M.of(text)
    local known = made:get(text)
    if not known then
        local keys, why = read(text)
        known = { keys = keys, why = why }
        made:set(text, known)
    end
    return known.keys, known.why
end


-- The status of a token's signature; nil where one of the keys has made it.
function _M.fault_of(keys, token)
    local any = false
    for _, key in ipairs(keys) do
        local kid = token.kid
        local asked = not kid or kid == "" or not key.kid or kid == key.kid
        if asked and (not key.alg or key.alg == token.alg) then
            any = true
            if signature.holds(key, token.alg, token.signature, token.signed) then
                return nil
            end
            if key.kty == "OKP" and token.alg == "EdDSA" and #token.signature ~= 64 then
                return status.ed25519_wrong_length
            end
        end
    end

    return any and status.verification_fails or status.kid_alg_mismatch
end


return _M
