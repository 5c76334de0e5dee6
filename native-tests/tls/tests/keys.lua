-- Keys of tokens from issuers that speak TLS: an issuer that does not hold is not asked.
local mesh, writer, client, tokens = require("mesh"), require("writer"), require("client"), require("tokens")
local count = require("tls_endpoint").count
local tools = require("tls_tools")
local ngx = ngx

local key, number = tokens.key("oct"), 0
local TOKEN = tokens.token(key, { alg = "HS256" }, { iss = "i" })

-- The outcome of a request whose token's keys are asked for at an address, with a TLS context.
local function outcome(address, tls)
    ngx.shared.tests:set("keys", tokens.set(key))
    number = number + 1
    local context = tools.context("t", { sni = "issuer.mesh" })
    tools.with(context[2], tls)
    local remote = { upstream_id = "issuer", cluster = "issuer", host = "issuer" .. number, path = "/keys",
                     timeout = 2 }
    writer.replace(mesh.of(
        tools.authority("ca", "mesh"), tools.identity("workload", "workload"), context,
        mesh.upstream("issuer", { { address, 1, 18443 } }, { scheme = "https", labels = { amesh_tls = "t" } }),
        mesh.virtual_host("v", "80", { "*" },
                          { { id = "r", plugin = { direct_response = { status = 200, body = "good" } } } }),
        mesh.listener("l", 0, "80", { filters = { {
            name = "jwt", type = "jwt", providers = { { name = "p", remote = remote } },
            rules = { { requires = { provider = "p" } } } } } })))
    return client.send({ to = client.gateway, host = "ratings:9080",
                         headers = { Authorization = "Bearer " .. TOKEN } }).body
end


return function(test, check)
    test("an issuer whose certificate holds is asked, by the cluster's name", function()
        check.equal(outcome("127.2.0.1"), "good")
        check.equal(ngx.shared.tests:get("keys sni"), "issuer.mesh")
        check.equal(ngx.shared.tests:get("keys peer"), "")
    end)

    test("the client certificate is shown", function()
        check.equal(outcome("127.2.0.5", { certificate = "workload" }), "good")
        check.equal(ngx.shared.tests:get("keys peer"), "O=workload")
    end)

    local wrong = {
        ["a name that is not asked for"] = { "127.2.0.2" },
        ["a certificate that has run out"] = { "127.2.0.3" },
        ["another authority"] = { "127.2.0.4" },
        ["a version that is too low"] = { "127.2.0.6", { min_version = "TLSv1.3" } },
        ["an authority that has not come"] = { "127.2.0.1", { validation = "absent" } },
        ["no authority"] = { "127.2.0.1", { validation = ngx.null } },
        ["plain text"] = { "127.2.0.7" },
    }
    for title, case in pairs(wrong) do
        test("no keys from an issuer with " .. title, function()
            local before = count(case[1] .. ":18443")
            check.equal(outcome(case[1], case[2]), "Jwks remote fetch is failed")
            check.equal(count(case[1] .. ":18443"), before, "requests that reached it")
        end)
    end

    test("an issuer that nobody is to verify is asked as Envoy asks it", function()
        check.equal(outcome("127.2.0.4", { validation = ngx.null, sans = ngx.null, verify = false }), "good")
    end)
end
