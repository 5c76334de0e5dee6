-- Tokens, key sets and signatures by themselves.
local tokens = require("tokens")
local base64url = require("apisix.amesh.jwt.base64url")
local keys = require("apisix.amesh.jwt.keys")
local status = require("apisix.amesh.jwt.status")
local strict_json = require("apisix.amesh.jwt.strict_json")
local token = require("apisix.amesh.jwt.token")

local encode = tokens.base64url
local CLAIMS = { iss = "i", sub = "s" }
local KIND_OF = {
    RS256 = "RSA", RS384 = "RSA", RS512 = "RSA", PS256 = "RSA", PS384 = "RSA", PS512 = "RSA",
    ES256 = "P-256", ES384 = "P-384", ES512 = "P-521", HS256 = "oct", HS384 = "oct", HS512 = "oct", EdDSA = "Ed25519",
}
local made = {}
for _, kind in pairs(KIND_OF) do
    made[kind] = made[kind] or tokens.key(kind)
end

local function with(key, extra)
    local jwk = {}
    for name, value in pairs(key.jwk) do
        jwk[name] = value
    end
    for name, value in pairs(extra) do
        jwk[name] = value
    end
    return { kind = key.kind, key = key.key, jwk = jwk }
end

-- "good", or the text of what is wrong.
local function outcome(set, text)
    local parsed, why = token.parse(text)
    if parsed then
        local made_keys
        made_keys, why = keys.of(set)
        why = made_keys and keys.fault_of(made_keys, parsed) or why
    end
    return why and why.text or "good"
end

local function parsed(header, payload, signature)
    local _, why = token.parse(encode(header) .. "." .. encode(payload) .. "." .. (signature or "AAAA"))
    return why and why.text or "good"
end

local GOOD = '{"alg":"RS256"}'

return function(test, check)
    test("every algorithm's signature holds by its own key and by no other", function()
        for alg, kind in pairs(KIND_OF) do
            local key = made[kind]
            local text = tokens.token(key, { alg = alg }, CLAIMS)
            check.equal(outcome(tokens.set(key), text), "good", alg)
            check.equal(outcome(tokens.set(tokens.key(kind)), text), "Jwt verification fails", alg .. " by another key")
            check.equal(outcome(tokens.set(made.oct, made.RSA, made["P-256"], made["P-384"], made["P-521"],
                                           made.Ed25519), text), "good", alg .. " among others")

            local parts = { text:match("^(.-)%.(.-)%.(.*)$") }
            local other = parts[1] .. "." .. encode('{"iss":"i","sub":"other"}') .. "." .. parts[3]
            check.equal(outcome(tokens.set(key), other), "Jwt verification fails", alg .. " with other claims")
        end
    end)

    test("a key's own alg is the only one", function()
        for alg, kind in pairs(KIND_OF) do
            local text = tokens.token(made[kind], { alg = alg }, CLAIMS)
            check.equal(outcome(tokens.set(with(made[kind], { alg = alg })), text), "good", alg)
        end
        check.equal(outcome(tokens.set(with(made.RSA, { alg = "RS512" })),
                            tokens.token(made.RSA, { alg = "RS256" }, CLAIMS)), status.kid_alg_mismatch.text)
        check.equal(outcome(tokens.set(with(made.RSA, { alg = "ES256" })),
                            tokens.token(made.RSA, { alg = "RS256" }, CLAIMS)), status.no_valid_keys.text)
        check.equal(outcome(tokens.set(with(made["P-256"], { alg = "ES384" })),
                            tokens.token(made["P-256"], { alg = "ES256" }, CLAIMS)), status.no_valid_keys.text)
    end)

    test("a token without a signature, or signed by what is public, is none", function()
        for _, alg in ipairs({ "none", "NONE", "None", "HS1", "RS256 ", "" }) do
            local forged = encode('{"alg":"' .. alg .. '"}') .. "." .. encode("{}") .. ".AAAA"
            check.equal(outcome(tokens.set(made.RSA), forged),
                        status.header_unknown_alg.text, alg)
        end
        check.equal(outcome(tokens.set(made.RSA), encode(GOOD) .. "." .. encode("{}") .. "."), status.bad_format.text)

        -- the public key as the secret of HS256: as JWK, PEM, and the bytes of n
        for _, kind in ipairs({ "RSA", "P-256" }) do
            local key = made[kind]
            local set = tokens.set(key)
            for _, secret in ipairs({ set, tokens.pem(key), base64url.decode(key.jwk.n or key.jwk.x) }) do
                local forged = tokens.token({ key = secret }, { alg = "HS256" }, CLAIMS)
                check.equal(outcome(set, forged), "Jwt verification fails")
            end
        end
    end)

    test("a key for one algorithm does not check another", function()
        local text = tokens.token(made["P-256"], { alg = "ES256" }, CLAIMS)
        local signature = text:match("[^.]+$")
        local signed = encode('{"alg":"RS256"}') .. "." .. encode("{}")
        check.equal(outcome(tokens.set(made["P-256"]), signed .. "." .. signature), "Jwt verification fails")
        -- signed with ECDSA, told to be RS256: the key's kind says no
        local odd = tokens.sign(made["P-256"], "ES256", signed)
        check.equal(outcome(tokens.set(made["P-256"]), signed .. "." .. encode(odd)), "Jwt verification fails")
        -- PSS told to be PKCS 1, and the other way round
        for told, done in pairs({ RS256 = "PS256", PS256 = "RS256" }) do
            local head = encode('{"alg":"' .. told .. '"}') .. "." .. encode("{}")
            local mark = encode(tokens.sign(made.RSA, done, head))
            check.equal(outcome(tokens.set(made.RSA), head .. "." .. mark), "Jwt verification fails", told)
        end
    end)

    test("kid chooses the key, and no kid tries all", function()
        local one, two = tokens.key("oct", { kid = "one" }), tokens.key("oct", { kid = "two" })
        local nameless = tokens.key("oct")
        local set = tokens.set(one, two)
        local function of(key, kid)
            return tokens.token(key, { alg = "HS256", kid = kid }, CLAIMS)
        end
        check.equal(outcome(set, of(two, "two")), "good")
        check.equal(outcome(set, of(two)), "good")
        check.equal(outcome(set, of(two, "")), "good")
        check.equal(outcome(set, of(two, "one")), "Jwt verification fails")
        check.equal(outcome(set, of(two, "three")), status.kid_alg_mismatch.text)
        check.equal(outcome(tokens.set(one, nameless), of(nameless, "three")), "good")
    end)

    test("signatures of odd lengths are bad, not errors", function()
        for alg, kind in pairs(KIND_OF) do
            local text = tokens.token(made[kind], { alg = alg }, CLAIMS)
            local head, mark = text:match("^(.*)%.(.-)$")
            for _, bytes in ipairs({ "\0", ("\0"):rep(64), ("\255"):rep(64), ("\255"):rep(132), ("x"):rep(70000),
                                     base64url.decode(mark):sub(1, -2), base64url.decode(mark) .. "\0\0" }) do
                local got = outcome(tokens.set(made[kind]), head .. "." .. encode(bytes))
                check.truthy(got == "Jwt verification fails" or got == status.ed25519_wrong_length.text,
                             alg .. " with " .. #bytes .. " bytes: " .. got)
            end
        end
    end)

    test("what is wrong with a token is told in Envoy's words", function()
        check.equal(parsed(GOOD, "{}"), "good")
        for _, text in ipairs({ "", ".", "..", "a.b", "a.b.c.d", "abc" }) do
            local _, why = token.parse(text)
            check.equal(why, status.bad_format, text)
        end

        local _, why = token.parse("*.e30.AAAA")
        check.equal(why.text, status.header_bad_base64.text)
        _, why = token.parse("A." .. encode("{}") .. ".AAAA")
        check.equal(why.text, status.header_bad_base64.text)
        _, why = token.parse(encode(GOOD) .. ".a+b/.AAAA")
        check.equal(why.text, status.payload_bad_base64.text)
        check.equal(parsed(GOOD, "{}", "A"), status.signature_bad_base64.text)

        for _, header in ipairs({ "", "x", "[]", '"alg"', "null", '{"alg":}', '{"alg":"RS256"', '{"alg":NaN}',
                                  '{"alg":"\255"}', '{"alg":"RS256","alg":"HS256"}', '{"a":{"b":1,"b":2}}',
                                  '{"alg":"RS256","\\u0061lg":"HS256"}', '{"alg":0x10}' }) do
            local bad = header == "" and status.bad_format.text or status.header_bad_json.text
            check.equal(parsed(header, "{}"), bad, header)
        end
        check.equal(parsed("{}", "{}"), status.header_bad_alg.text)
        check.equal(parsed('{"alg":1}', "{}"), status.header_bad_alg.text)
        check.equal(parsed('{"alg":"RS256","kid":1}', "{}"), status.header_bad_kid.text)
        check.equal(parsed(GOOD, '{"iss":'), status.payload_bad_json.text)

        for payload, wanted in pairs({
            ['{"iss":1}'] = "iss_not_string", ['{"iss":null}'] = "iss_not_string", ['{"sub":[]}'] = "sub_not_string",
            ['{"jti":{}}'] = "jti_not_string", ['{"aud":1}'] = "aud_not_string", ['{"aud":["a",1]}'] = "aud_not_string",
            ['{"aud":{"a":"b"}}'] = "aud_not_string", ['{"exp":"1"}'] = "exp_not_integer",
            ['{"exp":-1}'] = "exp_out_of_range", ['{"exp":1e30}'] = "exp_out_of_range",
            ['{"nbf":true}'] = "nbf_not_integer", ['{"nbf":18446744073709551616}'] = "nbf_out_of_range",
            ['{"iat":"now"}'] = "iat_not_integer", ['{"iat":-0.5}'] = "iat_out_of_range",
        }) do
            check.equal(parsed(GOOD, payload), status[wanted].text, payload)
        end
        check.equal(parsed(GOOD, '{"exp":1.5,"aud":[],"nbf":0}'), "good")
    end)

    test("times count with the skew", function()
        local function fault(claims, skew)
            local why = token.time_fault(claims, 1000, skew)
            return why and why.text
        end
        check.equal(fault({}), nil)
        check.equal(fault({ exp = 0 }), nil)
        check.equal(fault({ exp = 940 }), nil)
        check.equal(fault({ exp = 939 }), "Jwt is expired")
        check.equal(fault({ exp = 990 }, 5), "Jwt is expired")
        check.equal(fault({ nbf = 1060 }), nil)
        check.equal(fault({ nbf = 1061 }), "Jwt not yet valid")
    end)

    test("base64url: padding if it is right, white space, nothing else", function()
        check.equal(base64url.decode("YQ"), "a")
        check.equal(base64url.decode("YQ=="), "a")
        check.equal(base64url.decode("Y Q\n"), "a")
        check.equal(base64url.decode("-_8"), "\251\255")
        for _, bad in ipairs({ "YQ=", "YQ===", "Y", "+/8", "YQ==YQ==", "Y*", "=", "YWJj====" }) do
            check.equal(base64url.decode(bad), nil, bad)
        end
    end)

    test("JSON that two readers could read in two ways is none", function()
        check.truthy(strict_json.object(' {"a":{"a":["a","a"]},"b":"}{\\"a\\":1"}'))
        check.truthy(strict_json.object('{"a":"b","b":"a","c":{"a":1,"b":2}}'))
        check.truthy(not strict_json.object('{"a":1,"a":1}'))
        check.truthy(not strict_json.object('{"a":[{"x":1,"x":2}]}'))
        check.truthy(not strict_json.object('{"a":1} x'))
        for _, bytes in ipairs({ "\255", "\192\128", "\237\160\128", "\228\184" }) do
            check.truthy(not strict_json.object('{"a":"' .. bytes .. '"}'), "UTF-8")
        end
        check.truthy(strict_json.object('{"a":"\228\184\173"}'))
        check.truthy(not strict_json.object(("["):rep(1000)))
        check.truthy(not strict_json.object('{"a":' .. ("["):rep(101) .. ("]"):rep(101) .. "}"))
    end)

    test("key sets: what is bad in them is left out, what is bad as a whole is none", function()
        local good = made.oct.jwk
        local json = require("cjson.safe")
        local function count(...)
            local set, why = keys.of(json.encode({ keys = { ... } }))
            return set and #set or why.text
        end
        check.equal(count(good, { kty = "RSA" }, { kty = "none" }, { kty = 1 }, "x", {}), 1)
        check.equal(count({ kty = "oct", k = "*" }), status.no_valid_keys.text)
        check.equal(count({ kty = "oct", k = "" }), status.no_valid_keys.text)
        check.equal(count({ kty = "RSA", n = made.RSA.jwk.n, e = "Ag" }), status.no_valid_keys.text)
        check.equal(count({ kty = "RSA", n = "AQAB", e = "AQAB" }), status.no_valid_keys.text)
        check.equal(count({ kty = "EC", crv = "P-256", x = made["P-256"].jwk.x, y = made["P-256"].jwk.x }),
                    status.no_valid_keys.text, "not on the curve")
        check.equal(count({ kty = "EC", crv = "secp256k1", x = "AQ", y = "AQ" }), status.no_valid_keys.text)
        check.equal(count({ kty = "EC", x = made["P-256"].jwk.x, y = made["P-256"].jwk.y }), 1, "P-256 by default")
        check.equal(count({ kty = "OKP", crv = "Ed25519", x = "AQ" }), status.no_valid_keys.text)
        for text, wanted in pairs({ ["x"] = "keys_bad_json", ["[]"] = "keys_bad_json", ["{}"] = "keys_missing",
                                    ['{"keys":{}}'] = "keys_not_array", ['{"keys":1}'] = "keys_not_array",
                                    ['{"keys":[]}'] = "no_valid_keys", ['{"k":"x"}'] = "keys_missing" }) do
            local set, why = keys.of(text)
            check.truthy(not set, text)
            check.truthy(why == status[wanted] or text == '{"keys":{}}', text .. ": " .. why.text)
        end
        check.equal(keys.of(tokens.set(made.oct)), keys.of(tokens.set(made.oct)), "made once")
    end)

    test("random bytes and random changes never hold and never fail", function()
        local set = tokens.set(made.RSA, made.oct, made["P-256"], made.Ed25519)
        local good = tokens.token(made.oct, { alg = "HS256" }, { iss = "i", exp = 4102444800, aud = { "a", "b" } })
        check.equal(outcome(set, good), "good")
        for _ = 1, 3000 do
            local bytes = {}
            for i = 1, math.random(0, 60) do
                bytes[i] = string.char(math.random(0, 255))
            end
            check.truthy(outcome(set, table.concat(bytes)) ~= "good")

            local place = math.random(#good)
            local changed = good:sub(1, place - 1) .. string.char(math.random(0, 255)) .. good:sub(place + 1)
            -- the last character of a signature has bits that say nothing
            if changed ~= good and place < #good then
                check.truthy(outcome(set, changed) ~= "good" or changed:find("%s"), changed)
            end
            local nested = encode(("{\"a\":"):rep(math.random(200)))
            check.truthy(outcome(set, nested .. "." .. nested .. "." .. nested) ~= "good")
        end
        check.truthy(outcome(set, ("a"):rep(1000000)) ~= "good")
        check.truthy(outcome(set, ("e30."):rep(100000)) ~= "good")
    end)
end
