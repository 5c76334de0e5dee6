-- What can be wrong with a token or a key set, in the words that Envoy answers with; the numbers are what Envoy writes
-- into failed_status_in_metadata. One table for each, so that they are compared by identity.
local _M = {}

local ORDERED = {
    { "ok", "OK" },
    { "missing", "Jwt is missing" },
    { "not_yet_valid", "Jwt not yet valid" },
    { "expired", "Jwt is expired" },
    { "bad_format", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections" },
    { "header_bad_base64", "Jwt header is an invalid Base64url encoded" },
    { "header_bad_json", "Jwt header is an invalid JSON" },
    { "header_bad_alg", "Jwt header [alg] field is required and must be a string" },
    { "header_unknown_alg", "Jwt header [alg] is not supported" },
    { "header_bad_kid", "Jwt header [kid] field is not a string" },
    { "payload_bad_base64", "Jwt payload is an invalid Base64url encoded" },
    { "payload_bad_json", "Jwt payload is an invalid JSON" },
    { "iss_not_string", "Jwt payload [iss] field is not a string" },
    { "sub_not_string", "Jwt payload [sub] field is not a string" },
    { "iat_not_integer", "Jwt payload [iat] field is not an integer" },
    { "iat_out_of_range", "Jwt payload [iat] field is not a positive 64 bit integer" },
    { "nbf_not_integer", "Jwt payload [nbf] field is not an integer" },
    { "nbf_out_of_range", "Jwt payload [nbf] field is not a positive 64 bit integer" },
    { "exp_not_integer", "Jwt payload [exp] field is not an integer" },
    { "exp_out_of_range", "Jwt payload [exp] field is not a positive 64 bit integer" },
    { "jti_not_string", "Jwt payload [jti] field is not a string" },
    { "aud_not_string", "Jwt payload [aud] field is not a string or string list" },
    { "signature_bad_base64", "Jwt signature is an invalid Base64url encoded" },
    { "ed25519_wrong_length", "Jwt ED25519 signature is wrong length" },
    { "unknown_issuer", "Jwt issuer is not configured" },
    { "audience_not_allowed", "Audiences in Jwt are not allowed" },
    { "verification_fails", "Jwt verification fails" },
    { "multiple_tokens", "Found multiple Jwt tokens" },
    { "keys_bad_json", "Jwks is an invalid JSON" },
    { "keys_missing", "Jwks does not have [keys] field" },
    { "keys_not_array", "[keys] in Jwks is not an array" },
    { "no_valid_keys", "Jwks doesn't have any valid public key" },
    { "kid_alg_mismatch", "Jwks doesn't have key to match kid or alg from Jwt" },
    -- what is wrong with single keys is never an answer
    [41] = { "fetch_fails", "Jwks remote fetch is failed" },
}

for place, one in pairs(ORDERED) do
    _M[one[1]] = { code = place - 1, text = one[2] }
end


return _M
