-- Keys that an issuer serves: fetched by need, shared by the requests that wait, kept as long as they are good.
local mesh, writer, client, tokens = require("mesh"), require("writer"), require("client"), require("tokens")
local counters = ngx.shared.tests

local one, two = tokens.key("oct"), tokens.key("RSA")
local number = 0

local function token(key, alg)
    return tokens.token(key, { alg = alg }, { iss = "i" })
end
local BY_ONE, BY_TWO = token(one, "HS256"), token(two, "RS256")

-- What the issuer answers from now on.
local function serve(text, status, after, blanks)
    assert(counters:set("keys/text", text))
    counters:set("keys/blanks", blanks or 0)
    counters:set("keys/status", status or 200)
    counters:set("keys/after", after or 0)
end

local path

-- How often the issuer was asked since the last mesh.
local function asked()
    return counters:get("keys/asked" .. path) or 0
end

-- A place of its own for each test: what a worker has fetched stays.
local function with(extra, upstream)
    number = number + 1
    path = "/keys?n=" .. number .. "-" .. ngx.now()
    local remote = { upstream_id = "issuer", cluster = "issuer", host = "issuer.example:8443", path = path,
                     timeout = 2 }
    for name, value in pairs(extra or {}) do
        remote[name] = value
    end
    writer.replace(mesh.of(mesh.upstream("one", { "127.1.0.1" }), upstream or mesh.upstream("issuer", { "127.1.0.1" }),
                           mesh.virtual_host("v", "80", { "*" }, { { id = "r", upstream_id = "one" } }),
                           mesh.listener("l", 0, "80", { filters = { {
                               name = "jwt", type = "jwt", providers = { { name = "p", remote = remote } },
                               rules = { { requires = { provider = "p" } } } } } })))
end

local function send(text)
    local answer = client.send({ headers = { Authorization = "Bearer " .. text } })
    return answer.status == 200 and "good" or answer.status .. " " .. (answer.body or "")
end

local FAILS = "401 Jwks remote fetch is failed"

return function(test, check)
    local workers = ngx.worker.count()

    test("keys are fetched with the first token, and kept", function()
        serve(tokens.set(one))
        with()
        check.equal(asked(), 0)
        for _ = 1, 20 do
            check.equal(send(BY_ONE), "good")
        end
        check.truthy(asked() >= 1 and asked() <= workers, "once for each worker, not " .. asked())
        check.equal(counters:get("keys/host"), "issuer.example:8443")
        check.truthy(counters:get("keys/path"):find("^/keys%?n="))
        check.truthy(send(BY_TWO) ~= "good")
    end)

    test("requests that come together wait for one fetch", function()
        serve(tokens.set(one), 200, 0.3)
        with()
        local threads = {}
        for i = 1, 20 do
            threads[i] = ngx.thread.spawn(send, BY_ONE)
        end
        for i = 1, 20 do
            check.equal(select(2, ngx.thread.wait(threads[i])), "good")
        end
        check.truthy(asked() <= workers, "asked " .. asked())
    end)

    test("no keys: nobody gets through", function()
        for _, bad in ipairs({ { "", 200 }, { "x", 200 }, { '{"keys":[]}', 200 }, { tokens.set(one), 500 },
                               { tokens.set(one), 404 }, { tokens.set(one), 302 } }) do
            serve(bad[1], bad[2])
            with()
            check.equal(send(BY_ONE), FAILS, bad[1] .. " " .. bad[2])
        end
        serve(tokens.set(one))
        check.equal(send(BY_ONE), "good", "as soon as there are some")

        with(nil, mesh.upstream("issuer", {}))
        check.equal(send(BY_ONE), FAILS, "no endpoint")
        with({ upstream_id = "absent" })
        check.equal(send(BY_ONE), FAILS, "no cluster")
        with(nil, mesh.upstream("issuer", { { "127.1.0.9", 1, 18099 } }))
        check.equal(send(BY_ONE), FAILS, "refused")
        serve(tokens.set(one), 200, 3)
        with({ timeout = 0.2 })
        check.equal(send(BY_ONE), FAILS, "too late")
        serve(tokens.set(one), 200, 0, 1024 * 1024)
        with()
        check.equal(send(BY_ONE), FAILS, "too long")
        serve(tokens.set(one), 200, 0, 900 * 1024)
        check.equal(send(BY_ONE), "good", "long")
    end)

    test("a token that is bad without any key asks for none", function()
        serve(tokens.set(one))
        with()
        check.truthy(send("abc") ~= FAILS)
        check.equal(send(tokens.token(one, { alg = "HS256" }, { exp = 1000 })), "401 Jwt is expired")
        check.equal(asked(), 0)
    end)

    test("keys that are too old are fetched anew", function()
        serve(tokens.set(one))
        with({ cache = 1 })
        check.equal(send(BY_ONE), "good")
        serve(tokens.set(two))
        ngx.sleep(1.1)
        check.equal(send(BY_TWO), "good")
        check.truthy(send(BY_ONE) ~= "good", "by keys that are gone")
        serve("", 500)
        ngx.sleep(1.1)
        check.equal(send(BY_TWO), FAILS, "and nothing is let through by old ones")
    end)

    test("asynchronous: renewed before they are too old, and kept where that fails", function()
        serve(tokens.set(one))
        with({ cache = 6, async = true, failed_refetch = 0.2 })
        for _ = 1, 4 * workers do
            check.equal(send(BY_ONE), "good")
        end
        serve(tokens.set(two))
        ngx.sleep(1.2)
        -- each worker for itself, at the latest when its keys are too old
        local in_a_row, deadline = 0, ngx.now() + 8
        while in_a_row < 6 * workers and ngx.now() < deadline do
            in_a_row = send(BY_TWO) == "good" and in_a_row + 1 or 0
        end
        check.equal(in_a_row, 6 * workers)
        serve("", 500)
        with({ cache = 1, async = true, failed_refetch = 0.1 })
        check.equal(send(BY_TWO), FAILS)
        serve(tokens.set(two))
        check.equal(send(BY_TWO), "good")
        serve("", 500)
        ngx.sleep(1.1)
        for _ = 1, 4 do
            local got = send(BY_TWO)
            check.truthy(got == "good" or (workers > 1 and got == FAILS), got)
        end
    end)

    test("retries, where there is a policy", function()
        serve(tokens.set(one), 503)
        with({ retries = 3, base_interval = 0.01 })
        check.equal(send(BY_ONE), FAILS)
        check.equal(asked(), 4)
        serve(tokens.set(one), 404)
        with({ retries = 3, base_interval = 0.01 })
        check.equal(send(BY_ONE), FAILS)
        check.equal(asked(), 1, "404 will not change")
    end)

    test("an issuer that wants TLS is not asked without", function()
        serve(tokens.set(one))
        with(nil, mesh.upstream("issuer", { "127.1.0.1" }, { scheme = "https" }))
        check.equal(send(BY_ONE), FAILS)
        with(nil, mesh.upstream("issuer", { "127.1.0.1" }, { scheme = "https", labels = { amesh_tls = "absent" } }))
        check.equal(send(BY_ONE), FAILS)
        check.equal(asked(), 0)
    end)
end
