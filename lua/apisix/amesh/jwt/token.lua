-- A JSON Web Token: its three sections read, nothing about it believed yet.
local base64url = require("apisix.amesh.jwt.base64url")
local claims = require("apisix.amesh.jwt.claims")
local status = require("apisix.amesh.jwt.status")
local strict_json = require("apisix.amesh.jwt.strict_json")

local gmatch = string.gmatch
local ipairs = ipairs

local _M = {}

local ALGORITHMS = {
    ES256 = true, ES384 = true, ES512 = true, HS256 = true, HS384 = true, HS512 = true, RS256 = true, RS384 = true,
    RS512 = true, PS256 = true, PS384 = true, PS512 = true, EdDSA = true,
}
local DEFAULT_SKEW = 60

-- in Envoy's order, which decides what is told of a token with several faults
local CLAIMS = {
    { "iss", claims.text, status.iss_not_string },
    { "sub", claims.text, status.sub_not_string },
    { "iat", claims.natural, status.iat_not_integer, status.iat_out_of_range },
    { "nbf", claims.natural, status.nbf_not_integer, status.nbf_out_of_range },
    { "exp", claims.natural, status.exp_not_integer, status.exp_out_of_range },
    { "jti", claims.text, status.jti_not_string },
    { "aud", claims.texts, status.aud_not_string },
}


local function read_section(section, bad_base64, bad_json)
    local text = base64url.decode(section)
    if not text then
        return nil, bad_base64
    end

    local object = strict_json.object(text)
    if not object then
        return nil, bad_json
    end
    return object
end


local function read_header(token, section)
    local header, why = read_section(section, status.header_bad_base64, status.header_bad_json)
    if not header then
        return why
    end

    local err
    token.header = header
    token.alg = claims.text(header, "alg")
    if not token.alg then
        return status.header_bad_alg
    end
    if not ALGORITHMS[token.alg] then
        return status.header_unknown_alg
    end

    token.kid, err = claims.text(header, "kid")
    return err and status.header_bad_kid
end


local function read_payload(token, section)
    local payload, why = read_section(section, status.payload_bad_base64, status.payload_bad_json)
    if not payload then
        return why
    end

    token.payload = payload
    token.payload_section = section
    for _, claim in ipairs(CLAIMS) do
        local name, read, wrong_type, out_of_range = claim[1], claim[2], claim[3], claim[4]
        local value, err = read(payload, name)
        if err then
            return err == claims.OUT_OF_RANGE and out_of_range or wrong_type
        end
        token[name] = value
    end
end


-- { header, payload, payload_section, signed, signature, alg, kid, iss, sub, iat, nbf, exp, jti, aud }; nil and the
-- status where the text is no token.
function _M.parse(text)
    local sections = {}
    for section in gmatch(text, "[^.]+") do
        sections[#sections + 1] = section
    end
    if #sections ~= 3 then
        return nil, status.bad_format
    end

    local token = { signed = sections[1] .. "." .. sections[2] }
    local why = read_header(token, sections[1]) or read_payload(token, sections[2])
    if why then
        return nil, why
    end

    token.signature = base64url.decode(sections[3])
    if not token.signature then
        return nil, status.signature_bad_base64
    end
    return token
end


-- The status of its times at `now`; nil where they are good.
function _M.time_fault(token, now, skew)
    skew = skew or DEFAULT_SKEW
    if token.nbf and now + skew < token.nbf then
        return status.not_yet_valid
    end
    -- none at all, and none by the number 0, are no end
    if token.exp and token.exp > 0 and now > token.exp + skew then
        return status.expired
    end
end


return _M
