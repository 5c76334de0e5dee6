-- TLS towards endpoints: what is verified, and what happens when it does not hold.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local count = require("tls_endpoint").count
local tools, wait = require("tls_tools"), require("wait")
local ngx = ngx

local authority, identity = tools.authority, tools.identity


local function context(id, changes)
    local object = tools.context(id, { sni = "outbound_.9080_._.ratings" })
    tools.with(object[2], changes)
    return object
end

local function cluster(id, address, tls, extra)
    return mesh.upstream(id, { { address, 1, 18443 } },
                         tools.with({ scheme = "https", labels = { amesh_tls = tls } }, extra))
end

local function route(upstream_id, plugin)
    return mesh.virtual_host("v", "80", { "*" }, { { id = "r", upstream_id = upstream_id, plugin = plugin } })
end

-- One cluster at an address with a context, and everything that it may need.
local function one(address, tls, plugin, extra)
    writer.replace(mesh.of(authority("ca", "mesh"), identity("workload", "workload"), context("t", tls),
                           cluster("u", address, "t", extra), route("u", plugin), mesh.listener("l", 0, "80")))
end

local function send(extra)
    return client.send(tools.with({ to = client.gateway, host = "ratings:9080" }, extra))
end


return function(test, check)
    test("an endpoint whose certificate holds gets the request, with the cluster's SNI", function()
        one("127.2.0.1")
        local answer = send()
        check.equal(answer.status, 200)
        check.equal(answer.seen.sni, "outbound_.9080_._.ratings")
        check.equal(answer.seen.host, "ratings:9080")
        check.equal(answer.seen.peer, nil, "no certificate was asked to be shown")
    end)

    test("the client certificate is shown", function()
        one("127.2.0.5", { certificate = "workload" })
        local answer = send()
        check.equal(answer.status, 200)
        check.equal(answer.seen.peer, "O=workload")
    end)

    local wrong = {
        ["a name that is not asked for"] = { "127.2.0.2" },
        ["a certificate that has run out"] = { "127.2.0.3" },
        ["another authority"] = { "127.2.0.4" },
        ["a name by prefix"] = { "127.2.0.2", { sans = { { type = "uri", prefix = tools.spiffe .. "rat" } } } },
        ["auto_san"] = { "127.2.0.1", { sans = ngx.null, auto_san = true } },
        ["a version that is too low"] = { "127.2.0.6", { min_version = "TLSv1.3" } },
    }
    for title, case in pairs(wrong) do
        test("no request to an endpoint with " .. title, function()
            one(case[1], case[2])
            local before = count(case[1] .. ":18443")
            for _ = 1, 3 do
                check.equal(send().status, 503)
            end
            check.equal(count(case[1] .. ":18443"), before, "requests that reached it")
        end)
    end

    local right = {
        ["by prefix"] = { sans = { { type = "uri", prefix = tools.spiffe .. "rat" } } },
        ["by one of several"] = { sans = { { type = "uri", exact = "x" },
                                           { type = "dns", exact = "ratings.example" } } },
        ["by address"] = { sans = { { type = "ip", exact = "127.2.0.1" } } },
        ["without names"] = { sans = ngx.null },
        ["of any kind"] = { sans = { { type = "any", suffix = "/ratings" } } },
    }
    for title, tls in pairs(right) do
        test("a certificate holds " .. title, function()
            one("127.2.0.1", tls)
            check.equal(send().status, 200)
        end)
    end

    test("names that the authority's secret asks for count beside the cluster's", function()
        local named = authority("ca", "mesh")
        named[2].sans = { { type = "uri", exact = tools.spiffe .. "other" } }
        one("127.2.0.1", { sans = ngx.null })
        check.equal(send().status, 200)
        writer.commit({ named })
        check.equal(send().status, 503)
        writer.commit({ context("t") })
        check.equal(send().status, 200, "the cluster's own name holds")
    end)

    test("a trust domain's certificates are of its own authorities", function()
        local domains = authority("ca", "mesh")
        domains[2].trust_domains = { { name = "elsewhere", ca = domains[2].ca } }
        one("127.2.0.1")
        writer.commit({ domains })
        check.equal(send().status, 503, "a domain that is not known")
        domains[2].trust_domains = { { name = "cluster.local", ca = tools.read("stranger.pem") },
                                     { name = "elsewhere", ca = tools.read("mesh.pem") } }
        writer.commit({ domains })
        check.equal(send().status, 503, "the authorities of another domain")
        domains[2].trust_domains = { { name = "cluster.local", ca = tools.read("mesh.pem") } }
        writer.commit({ domains })
        check.equal(send().status, 200)
    end)

    test("verification can be off, as it is where the mesh has no validation context", function()
        one("127.2.0.4", { validation = ngx.null, sans = ngx.null, verify = false })
        check.equal(send().status, 200)
    end)

    test("auto_sni and auto_san follow the request's host", function()
        one("127.2.0.1", { sni = ngx.null, sans = ngx.null, auto_sni = true, auto_san = true })
        local answer = send({ host = "ratings.example:9080" })
        check.equal(answer.status, 200)
        check.equal(answer.seen.sni, "ratings.example")
        check.equal(send({ host = "reviews.example" }).status, 503)
    end)

    test("what has not come is 503, and nothing is sent", function()
        local before = count("127.2.0.1:18443")
        one("127.2.0.1", { validation = "nowhere" })
        check.equal(send().status, 503)
        one("127.2.0.1", { certificate = "nowhere" })
        check.equal(send().status, 503)
        one("127.2.0.1", { validation = ngx.null, sans = ngx.null })
        check.equal(send().status, 503, "no authority is named")
        writer.replace(mesh.of(cluster("u", "127.2.0.1", "t"), route("u"), mesh.listener("l", 0, "80")))
        check.equal(send().status, 503, "no context")
        writer.commit({ cluster("u", "127.2.0.1", nil, { labels = { amesh_sni = "x" } }) })
        check.equal(send().status, 503, "TLS, and nothing said about it")
        check.equal(count("127.2.0.1:18443"), before)
    end)

    test("a plain endpoint behind a TLS cluster is 503", function()
        local before = count("127.2.0.7:18080")
        one("127.2.0.7")
        writer.commit({ mesh.upstream("u", { { "127.2.0.7", 1, 18080 } }, { scheme = "https",
                                                                          labels = { amesh_tls = "t" } }) })
        check.equal(send().status, 503)
        check.equal(count("127.2.0.7:18080"), before)
    end)

    test("a failed handshake is a connection failure for retries: the next endpoint is tried", function()
        one("127.2.0.1", nil, { retry = { on = { "connect-failure" }, num = 8, previous_hosts = true,
                                         host_attempts = 30 } })
        writer.commit({ mesh.upstream("u", { { "127.2.0.1", 1, 18443 }, { "127.2.0.2", 1, 18443 },
                                             { "127.2.0.4", 1, 18443 } },
                                      { scheme = "https", labels = { amesh_tls = "t" }, type = "amesh_random" }) })
        local before = count("127.2.0.2:18443") + count("127.2.0.4:18443")
        for _ = 1, 20 do
            local answer = send()
            check.equal(answer.status, 200)
            check.equal(answer.seen.address, "127.2.0.1:18443")
        end
        check.equal(count("127.2.0.2:18443") + count("127.2.0.4:18443"), before)
    end)

    test("statuses are retried over TLS as well", function()
        one("127.2.0.1", nil, { retry = { on = { "5xx" }, num = 2 }, attempt_count = true })
        local answer = send({ headers = { ["x-answer-status"] = "503" } })
        check.equal(answer.status, 503)
        check.equal(answer.seen.headers["x-envoy-attempt-count"], "3")
        answer = send({ headers = { ["x-answer-status"] = "404" } })
        check.equal(answer.status, 404)
        check.truthy(answer.seen, "the endpoint's own body")
    end)

    test("a kept connection is used again by the same identity, and by no other", function()
        -- the client's "Connection: close" would be passed on for an upgrade's sake
        local extra = { enable_websocket = false }
        writer.replace(mesh.of(
            authority("ca", "mesh"), identity("a", "client-a"), identity("b", "client-b"),
            context("ta", { certificate = "a" }), context("tb", { certificate = "b" }), context("tn"),
            cluster("ua", "127.2.0.1", "ta"), cluster("ub", "127.2.0.1", "tb"), cluster("un", "127.2.0.1", "tn"),
            mesh.virtual_host("v", "80", { "*" }, {
                { id = "ra", upstream_id = "ua", extra = extra, vars = { { "amesh_path", "==", "/a" } } },
                { id = "rb", upstream_id = "ub", extra = extra, vars = { { "amesh_path", "==", "/b" } } },
                { id = "rn", upstream_id = "un", extra = extra, vars = { { "amesh_path", "==", "/n" } } },
            }), mesh.listener("l", 0, "80")))
        local connections, again = {}, 0
        for round = 1, 30 do
            local path = ({ "/a", "/b", "/n" })[round % 3 + 1]
            local seen = send({ path = path }).seen
            check.equal(seen.peer, ({ ["/a"] = "O=client-a", ["/b"] = "O=client-b" })[path])
            if connections[seen.connection] then
                again = again + 1
                check.equal(connections[seen.connection], path)
            end
            connections[seen.connection] = path
        end
        check.truthy(again > 0, "connections are kept")
    end)

    test("a rotated certificate is shown by the next connection, and no request fails meanwhile", function()
        one("127.2.0.5", { certificate = "workload" })
        local stop, bad, sent, peers = false, {}, 0, {}
        local threads = {}
        for index = 1, 8 do
            threads[index] = ngx.thread.spawn(function()
                while not stop do
                    local answer = send()
                    sent = sent + 1
                    if answer.status ~= 200 then
                        bad[#bad + 1] = answer.status
                    else
                        peers[answer.seen.peer] = (peers[answer.seen.peer] or 0) + 1
                    end
                end
            end)
        end
        for round = 1, 12 do
            local name = ({ "client-a", "client-b", "workload" })[round % 3 + 1]
            local peer = "O=" .. name
            local before = peers[peer] or 0
            writer.commit({ identity("workload", name) })
            wait.until_holds(function()
                return #bad > 0 or (peers[peer] or 0) > before
            end, peer)
        end
        stop = true
        for _, thread in ipairs(threads) do
            ngx.thread.wait(thread)
        end
        check.equal(bad, {}, "failed of " .. sent)
    end)

    test("an authority that is taken away ends trust in the next connection", function()
        one("127.2.0.1")
        check.equal(send().status, 200)
        writer.commit({ authority("ca", "stranger") })
        check.equal(send().status, 503)
        writer.commit({ authority("ca", "mesh") })
        check.equal(send().status, 200)
    end)

    test("a cluster whose endpoints differ in TLS is picked from by weight", function()
        writer.replace(mesh.of(
            authority("ca", "mesh"), context("t"),
            mesh.upstream("u", { { "127.2.0.1", 1, 18443 } },
                          { scheme = "https", labels = { amesh_tls = "t", amesh_groups = "u=1,p=3" } }),
            mesh.upstream("p", { { "127.2.0.7", 3, 18080 } }),
            route("u"), mesh.listener("l", 0, "80")))
        local plain = 0
        for _ = 1, 400 do
            local answer = send()
            check.equal(answer.status, 200)
            plain = plain + (answer.seen.sni and 0 or 1)
        end
        check.share(plain, 400, 0.75, "plain")
    end)

    local http2 = { labels = { amesh_tls = "t", amesh_http2 = "true" } }
    -- first, before the location's own SSL_CTX has been seen in this worker, then after
    for _, when in ipairs({ "at first", "and then" }) do
        test("HTTP/2, " .. when .. ": an endpoint that holds", function()
            one("127.2.0.5", { certificate = "workload", alpn = { "kuma", "h2" } }, nil, http2)
            for _ = 1, 3 do
                local answer = send()
                check.equal(answer.status, 200)
                check.equal(answer.seen.version, "HTTP/2.0")
                check.equal(answer.seen.alpn, "h2")
                check.equal(answer.seen.peer, "O=workload")
                check.equal(answer.seen.sni, "outbound_.9080_._.ratings")
            end
        end)

        test("HTTP/2, " .. when .. ": no request to an endpoint that does not hold", function()
            for _, address in ipairs({ "127.2.0.4", "127.2.0.2" }) do
                one(address, { certificate = "workload" }, nil, http2)
                local before = count(address .. ":18443")
                check.equal(send().status, 503, address)
                check.equal(send().status, 503, address)
                check.equal(count(address .. ":18443"), before)
            end
        end)
    end

    test("HTTP/2 without a client certificate", function()
        one("127.2.0.1", nil, nil, http2)
        local answer = send()
        check.equal(answer.status, 200)
        check.equal(answer.seen.version, "HTTP/2.0")
        check.equal(answer.seen.peer, nil)
    end)

    test("protocols are offered as the cluster says, also where clusters take turns", function()
        local cases = {
            { "a", { "istio", "http/1.1" }, "http/1.1" },
            { "b", nil, nil },
            { "c", { "http/1.0" }, "http/1.0" },
        }
        local objects, routes = { authority("ca", "mesh") }, {}
        for index, case in ipairs(cases) do
            objects[#objects + 1] = context(case[1], { alpn = case[2] })
            objects[#objects + 1] = cluster(case[1], "127.2.0.1", case[1])
            routes[index] = { id = "r" .. case[1], upstream_id = case[1],
                              vars = { { "amesh_path", "==", "/" .. case[1] } } }
        end
        writer.replace(mesh.of(objects, mesh.virtual_host("v", "80", { "*" }, routes), mesh.listener("l", 0, "80")))
        local function round()
            for _, case in ipairs(cases) do
                local answer = send({ path = "/" .. case[1] })
                check.equal(answer.status, 200)
                check.equal(answer.seen.alpn, case[3], case[1])
            end
        end
        round()
        round()
        tools.at_once(8, function()
            for _ = 1, 10 do
                round()
            end
        end)
    end)

    test("no secret is shown by the control API, nor written to the log", function()
        one("127.2.0.5", { certificate = "workload" })
        check.equal(send().status, 200)
        for _, id in ipairs({ "workload", "ca" }) do
            local answer = client.send({ to = { "127.0.0.1", 15070 }, path = "/v1/amesh/objects/amesh_secrets/" .. id })
            check.equal(answer.status, 200)
            check.truthy(not answer.body:find("BEGIN", 1, true), answer.body)
            check.truthy(answer.body:find("redacted", 1, true))
            check.equal(answer.body:find("SHA-256", 1, true) ~= nil, id == "workload")
        end
        local log = assert(io.open(ngx.config.prefix() .. "logs/error.log", "rb")):read("*a")
        check.truthy(not log:find("BEGIN [A-Z ]*KEY"), "a key in the log")
        check.truthy(not log:find("BEGIN CERT"), "a certificate in the log")
    end)
end
