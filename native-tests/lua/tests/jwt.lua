-- The JWT filter in requests: where tokens are found, what is asked of them, what they leave.
local mesh, writer, client, tokens = require("mesh"), require("writer"), require("client"), require("tokens")
local json = require("cjson.safe")

local NAME = "envoy.filters.http.jwt_authn"
local FUTURE = 4102444800
local one, two, stranger = tokens.key("oct", { kid = "one" }), tokens.key("RSA", { kid = "two" }), tokens.key("oct")

local function claims(extra)
    local all = { iss = "https://one", sub = "bob", aud = "shop", exp = FUTURE }
    for name, value in pairs(extra or {}) do
        all[name] = value
    end
    return all
end

local function by_one(extra, key)
    return tokens.token(key or one, { alg = "HS256", kid = "one" }, claims(extra))
end

local function by_two(extra)
    local all = { iss = "https://two" }
    for name, value in pairs(extra or {}) do
        all[name] = value
    end
    return tokens.token(two, { alg = "RS256" }, claims(all))
end

local GOOD = by_one()

local function provider(extra)
    local conf = { name = "one", issuer = "https://one", jwks = tokens.set(one) }
    for name, value in pairs(extra or {}) do
        conf[name] = value
    end
    return conf
end

local second = { name = "two", issuer = "https://two", jwks = tokens.set(two) }
local ONE, TWO = { provider = "one" }, { provider = "two" }

-- filter: fields of the filter beside its providers; plugin: of the route.
local function with(providers, requires, filter, plugin, routes)
    local whole = { name = NAME, type = "jwt", providers = providers, rules = { { requires = requires } } }
    for name, value in pairs(filter or {}) do
        whole[name] = value
    end
    routes = routes or { { id = "r", plugin = plugin, upstream_id = "one" } }
    writer.replace(mesh.of(mesh.upstream("one", { "127.1.0.1" }), mesh.virtual_host("v", "80", { "*" }, routes),
                           mesh.listener("l", 0, "80", { filters = { whole } })))
end

local function send(headers, path, method)
    return client.send({ headers = headers, path = path, method = method })
end

local function bearer(token)
    return { Authorization = "Bearer " .. token }
end

return function(test, check)
    local function refused(answer, status, text, what)
        check.equal(answer.status, status, what)
        check.equal(answer.body, text, what)
    end

    test("no token, a good one, a bad one", function()
        with({ provider() }, ONE)
        local answer = send()
        refused(answer, 401, "Jwt is missing")
        check.equal(answer.headers["www-authenticate"], 'Bearer realm="http://reviews:9080/"')
        check.equal(answer.headers["content-type"], "text/plain")

        answer = send(bearer(GOOD))
        check.equal(answer.status, 200)
        check.equal(answer.seen.headers.authorization, nil, "the token is taken out")

        answer = send(bearer(by_one(nil, stranger)), "/a?b=c")
        refused(answer, 401, "Jwt verification fails")
        check.equal(answer.headers["www-authenticate"],
                    'Bearer realm="http://reviews:9080/a?b=c", error="invalid_token"')
        refused(send(bearer(by_one({ exp = 1000 }))), 401, "Jwt is expired")
        refused(send(bearer(by_one({ nbf = FUTURE }))), 401, "Jwt not yet valid")
        refused(send(bearer(by_one({ iss = "https://other" }))), 401, "Jwt issuer is not configured")
        refused(send(bearer(by_two())), 401, "Jwt issuer is not configured")
        refused(send(bearer("abc")), 401,
                "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections")
        check.equal(send({ Authorization = "Basic abc" }).body, "Jwt is missing")
        check.equal(#send(nil, "/" .. ("a"):rep(300)).headers["www-authenticate"],
                    #'Bearer realm="http://reviews:9080"' + 256, "a long path is cut")
    end)

    test("an answer to gRPC is gRPC's, to HEAD has no body", function()
        with({ provider() }, ONE)
        local answer = send({ ["Content-Type"] = "application/grpc" })
        check.equal(answer.status, 200)
        check.equal(answer.headers["grpc-status"], "16")
        check.equal(answer.headers["grpc-message"], "Jwt is missing")
        answer = send(nil, "/", "HEAD")
        check.equal(answer.status, 401)
    end)

    test("audiences", function()
        with({ provider({ audiences = { "https://shop/", "bank" } }) }, ONE)
        check.equal(send(bearer(GOOD)).status, 200)
        check.equal(send(bearer(by_one({ aud = { "x", "http://shop" } }))).status, 200)
        local answer = send(bearer(by_one({ aud = "other" })))
        refused(answer, 403, "Audiences in Jwt are not allowed")
        check.truthy(answer.headers["www-authenticate"]:find("invalid_token", 1, true))
        local nobody = tokens.token(one, { alg = "HS256" }, '{"iss":"https://one","aud":[]}')
        refused(send(bearer(nobody)), 403, "Audiences in Jwt are not allowed")

        with({ provider({ audiences = { "other" } }) }, { provider = "one", audiences = { "shop" } })
        check.equal(send(bearer(GOOD)).status, 200, "the requirement's own")
        refused(send(bearer(by_one({ aud = "other" }))), 403, "Audiences in Jwt are not allowed")
    end)

    test("subjects and lifetimes", function()
        for matcher, subject in pairs({ [{ exact = "bob" }] = "bobby", [{ prefix = "bo" }] = "ob",
                                        [{ suffix = "ob" }] = "boba", [{ contains = "o" }] = "bab",
                                        [{ regex = "^(?:b.b)\\z" }] = "bobb",
                                        [{ exact = "BOB", ignore_case = true }] = "BO" }) do
            with({ provider({ subjects = matcher }) }, ONE)
            check.equal(send(bearer(GOOD)).status, 200, json.encode(matcher))
            refused(send(bearer(by_one({ sub = subject }))), 401, "Jwt verification fails")
        end
        with({ provider({ subjects = {} }) }, ONE)
        refused(send(bearer(GOOD)), 401, "Jwt verification fails")

        local without = tokens.token(one, { alg = "HS256" }, { iss = "https://one" })
        with({ provider({ require_expiration = true }) }, ONE)
        check.equal(send(bearer(GOOD)).status, 200)
        refused(send(bearer(without)), 401, "Jwt verification fails")
        with({ provider({ max_lifetime = 3600 }) }, ONE)
        refused(send(bearer(GOOD)), 401, "Jwt verification fails")
        check.equal(send(bearer(by_one({ exp = ngx.time() + 3000 }))).status, 200)
        refused(send(bearer(by_one({ exp = ngx.time() + 4000 }))), 401, "Jwt verification fails")
        refused(send(bearer(without)), 401, "Jwt verification fails")
        with({ provider({ clock_skew_seconds = 1000 }) }, ONE)
        check.equal(send(bearer(by_one({ exp = ngx.time() - 900 }))).status, 200)
        refused(send(bearer(by_one({ exp = ngx.time() - 1100 }))), 401, "Jwt is expired")
    end)

    test("default places: header and parameter, both must be good", function()
        with({ provider() }, ONE)
        local answer = send(nil, "/p?a=1&access_token=" .. GOOD .. "&b=%20x")
        check.equal(answer.status, 200)
        check.equal(answer.seen.path, "/p?a=1&b=%20x", "the token is taken out")
        check.equal(send(nil, "/p?access_token=" .. GOOD).seen.path, "/p")
        check.equal(send(nil, "/p?access%5Ftoken=" .. GOOD:gsub("%.", "%%2e")).status, 200, "encoded")
        refused(send(bearer(GOOD), "/p?access_token=abc"), 401,
                "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections")
        refused(send({ { "Authorization", "Bearer abc" } }, "/p?access_token=" .. GOOD), 401,
                "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections")
    end)

    test("headers with and without a prefix, several values, cookies", function()
        with({ provider({ from_headers = { { name = "x-jwt", value_prefix = "Token " }, { name = "x-raw" } },
                          from_cookies = { "session" }, forward = true }) }, ONE)
        for _, headers in ipairs({ { ["X-Jwt"] = "Token " .. GOOD }, { ["x-jwt"] = "a Token  " .. GOOD },
                                   { ["x-raw"] = GOOD }, { Cookie = "a=b; session=" .. GOOD },
                                   { Cookie = 'session="' .. GOOD .. '"; session=x' } }) do
            check.equal(send(headers).status, 200, json.encode(headers))
        end
        check.equal(send({ ["x-raw"] = GOOD }).seen.headers["x-raw"], GOOD, "forwarded")
        for _, headers in ipairs({ bearer(GOOD), { ["x-jwt"] = GOOD }, { Cookie = "other=" .. GOOD } }) do
            refused(send(headers), 401, "Jwt is missing", json.encode(headers))
        end
        check.equal(send(nil, "/?access_token=" .. GOOD).body, "Jwt is missing")
        check.equal(send({ { "x-raw", GOOD }, { "x-raw", by_one(nil, stranger) } }).body, "Jwt verification fails")
        check.equal(send({ { "x-raw", by_one(nil, stranger) }, { "x-raw", GOOD } }).body, "Jwt verification fails")
        check.equal(send({ ["x-raw"] = GOOD, Cookie = "session=x" }).status, 401)
    end)

    test("a token that is not forwarded takes all values of its header along", function()
        with({ provider({ from_headers = { { name = "x-raw" } } }) }, ONE)
        local answer = send({ { "x-raw", GOOD }, { "x-raw", GOOD } })
        check.equal(answer.status, 200)
        check.equal(answer.seen.headers["x-raw"], nil)
    end)

    test("what a good token leaves for the endpoint, and a client cannot write", function()
        local nested = { a = { b = 1.5 }, list = { "x", "y" }, yes = true, big = 12345678901, empty = "",
                         lines = "a\r\nb: c" }
        with({ provider({ forward = true, forward_payload_header = "x-payload", claim_to_headers = {
            { header = "x-sub", claim = "sub" }, { header = "x-b", claim = "a.b" }, { header = "x-yes", claim = "yes" },
            { header = "x-list", claim = "list" }, { header = "x-big", claim = "big" },
            { header = "x-none", claim = "none" }, { header = "x-empty", claim = "empty" },
            { header = "x-lines", claim = "lines" }, { header = "x-twice", claim = "sub" },
            { header = "x-twice", claim = "iss" } } }) },
             { any = { ONE, { allow_missing = true } } })
        local token = by_one(nested)
        local answer = send({ Authorization = "Bearer " .. token, ["x-sub"] = "admin", ["x-none"] = "forged" })
        check.equal(answer.status, 200)
        local seen = answer.seen.headers
        check.equal(seen["x-payload"], token:match("%.(.-)%."))
        check.equal(seen["x-sub"], "bob")
        check.equal(seen["x-b"], "1.500000")
        check.equal(seen["x-yes"], "true")
        check.equal(seen["x-list"], ngx.encode_base64('["x","y"]'))
        check.equal(seen["x-big"], "12345678901")
        check.equal(seen["x-none"], nil)
        check.equal(seen["x-empty"], nil)
        check.equal(seen["x-lines"], nil)
        check.equal(seen["x-twice"], { "bob", "https://one" })

        answer = send({ ["x-sub"] = "admin", ["x-payload"] = "forged" })
        check.equal(answer.status, 200)
        check.equal(answer.seen.headers["x-sub"], nil, "without a token")
        check.equal(answer.seen.headers["x-payload"], nil)

        with({ provider({ forward_payload_header = "x-payload", pad_forward_payload_header = true }) }, ONE)
        check.equal(#send(bearer(by_one({ sub = "b" }))).seen.headers["x-payload"] % 4, 0)
    end)

    test("requirements: any, all, missing, failed, nothing", function()
        local both, bad = { provider(), second }, by_one(nil, stranger)
        local function outcome(requires, headers)
            with(both, requires)
            local answer = send(headers)
            return answer.status == 200 and "good" or answer.body
        end
        local missing, failed = { allow_missing = true }, { allow_missing_or_failed = true }
        local two_tokens = { { "Authorization", "Bearer " .. GOOD }, { "x-two", by_two() } }
        second.from_headers = { { name = "x-two" } }

        check.equal(outcome({ any = { ONE, TWO } }), "Jwt is missing")
        check.equal(outcome({ any = { ONE, TWO } }, bearer(GOOD)), "good")
        check.equal(outcome({ any = { ONE, TWO } }, { ["x-two"] = by_two() }), "good")
        check.equal(outcome({ any = { ONE, TWO } }, bearer(bad)), "Jwt verification fails")
        check.equal(outcome({ any = { TWO, ONE } }, bearer(by_two())), "Jwt issuer is not configured")

        check.equal(outcome({ all = { ONE, TWO } }, bearer(GOOD)), "Jwt is missing")
        check.equal(outcome({ all = { ONE, TWO } }, two_tokens), "good")
        check.equal(outcome({ all = {} }, two_tokens), "Jwt is missing")
        check.equal(outcome({ all = { ONE, { any = { TWO, missing } } } }, bearer(GOOD)), "good")

        for _, requires in ipairs({ missing, { any = { ONE, missing } } }) do
            check.equal(outcome(requires), "good")
            check.equal(outcome(requires, bearer(GOOD)), "good")
            check.equal(outcome(requires, bearer(bad)), "Jwt verification fails")
            check.equal(outcome(requires, bearer("x")):sub(1, 13), "Jwt is not in")
        end
        check.equal(outcome(missing, bearer(by_two())), "Jwt issuer is not configured")
        check.equal(outcome(missing, { ["x-two"] = by_two() }), "good")
        for _, requires in ipairs({ failed, { any = { ONE, failed } }, { any = { missing, failed } } }) do
            check.equal(outcome(requires), "good")
            check.equal(outcome(requires, bearer(bad)), "good")
        end
        check.equal(outcome({}, bearer(bad)), "good")
        second.from_headers = nil
    end)

    test("a requirement that names nothing there is lets nobody through", function()
        with({ provider() }, { provider = "three" })
        check.equal(send(bearer(GOOD)).status, 403)
        with({ provider() }, nil, { rules = { { requirement = "none" } } })
        check.equal(send(bearer(GOOD)).status, 403)
    end)

    test("the first rule that is for the request counts, and none asks for nothing", function()
        with({ provider() }, nil, { requirements = { asked = ONE }, rules = {
            { when = { { "amesh_path", "==", "/health" } } },
            { when = { { "amesh_path", "~~", "^/a" }, { "amesh_header_x-a", "==", "1" } }, requires = ONE },
            { when = { { "amesh_path", "~~", "^/b" } }, requirement = "asked" },
        } })
        for path, wanted in pairs({ ["/health"] = 200, ["/a"] = 200, ["/b"] = 401, ["/c"] = 200,
                                    ["/b?x=/health"] = 401 }) do
            check.equal(send(nil, path).status, wanted, path)
        end
        check.equal(send({ ["x-a"] = "1" }, "/a").status, 401)
    end)

    test("a preflight goes by where that is said", function()
        local preflight = { Origin = "http://a", ["Access-Control-Request-Method"] = "GET" }
        with({ provider() }, ONE)
        check.equal(send(preflight, "/", "OPTIONS").status, 401)
        with({ provider() }, ONE, { bypass_cors_preflight = true })
        check.equal(send(preflight, "/", "OPTIONS").status, 200)
        check.equal(send(preflight, "/", "GET").status, 401)
        check.equal(send({ Origin = "http://a" }, "/", "OPTIONS").status, 401)
    end)

    test("a failure can go without words", function()
        with({ provider({ audiences = { "x" } }) }, ONE, { strip_failure_response = true })
        local answer = send()
        check.equal(answer.status, 401)
        check.equal(answer.body, "")
        check.equal(answer.headers["www-authenticate"], nil)
        check.equal(send(bearer(GOOD)).status, 403)
    end)

    test("routes switch the filter off, or name another requirement", function()
        local function outcome(override)
            with({ provider(), second }, ONE, { requirements = { two = TWO, open = { allow_missing = true } } },
                 { filters = { [NAME] = override } })
            return send()
        end
        check.equal(outcome(false).status, 200)
        check.equal(outcome(true).status, 401)
        check.equal(outcome({ requirement = "open" }).status, 200)
        check.equal(outcome({ requirement = "two" }).body, "Jwt is missing")
        refused(outcome({ requirement = "none" }), 403,
                "Failed JWT authentication: Wrong requirement_name: none. It should be one of [open,two]")
        check.equal(outcome({ type = "refused" }).status, 403)
    end)

    test("a route may be chosen by what the token says", function()
        local routes = { { id = "admin", vars = { { "amesh_header_x-sub", "==", "bob" } },
                           plugin = { direct_response = { status = 200, body = "bob" } } },
                         { id = "rest", plugin = { direct_response = { status = 200, body = "rest" } } } }
        local conf = { claim_to_headers = { { header = "x-sub", claim = "sub" } } }
        with({ provider(conf) }, ONE, nil, nil, routes)
        check.equal(send(bearer(GOOD)).body, "rest")
        conf.clear_route_cache = true
        with({ provider(conf) }, ONE, nil, nil, routes)
        check.equal(send(bearer(GOOD)).body, "bob")
        check.equal(send(bearer(by_one({ sub = "alice" }))).body, "rest")
    end)

    test("keys that are a secret; none where it has not come, or is none", function()
        local conf = provider({ jwks_secret = "keys" })
        conf.jwks = nil
        with({ conf }, ONE)
        refused(send(bearer(GOOD)), 401, "Jwks doesn't have any valid public key")
        writer.commit({ { "/amesh_secrets/keys", { id = "keys", name = "keys", jwks = tokens.set(one) } } })
        writer.wait()
        check.equal(send(bearer(GOOD)).status, 200)
        writer.commit({ { "/amesh_secrets/keys", { id = "keys", name = "keys", jwks = tokens.set(stranger) } } })
        writer.wait()
        refused(send(bearer(GOOD)), 401, "Jwt verification fails", "a rotated key")
        with({ provider({ jwks = "x" }) }, ONE)
        refused(send(bearer(GOOD)), 401, "Jwks doesn't have any valid public key")
    end)

    test("a good token is not good for ever because it once was", function()
        with({ provider({ clock_skew_seconds = 1 }) }, ONE)
        local short = by_one({ exp = ngx.time() })
        check.equal(send(bearer(short)).status, 200)
        check.equal(send(bearer(short)).status, 200)
        ngx.sleep(2.1)
        refused(send(bearer(short)), 401, "Jwt is expired")
        with({ provider({ jwks = tokens.set(stranger) }) }, ONE)
        refused(send(bearer(GOOD)), 401, "Jwt verification fails", "by other keys")
    end)
end
