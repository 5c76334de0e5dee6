-- Copies of requests to clusters that speak TLS or HTTP/2.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local endpoint, tools, wait = require("tls_endpoint"), require("tls_tools"), require("wait")
local ngx = ngx

local PLAIN = "127.2.0.7:18080"
local HEADERS = { ["x-own"] = "own", ["x-forwarded-for"] = "10.1.1.1", ["x-forwarded-client-cert"] = "URI=x" }


local function cluster(id, address, tls, labels)
    labels = labels or {}
    labels.amesh_tls = id
    local context = tools.context(id, { sni = id .. ".example", certificate = "workload" })
    tools.with(context[2], tls)
    return mesh.of(context,
                   mesh.upstream(id, { { address, 1, 18443 } }, { scheme = "https", labels = labels }))
end

-- A route to the plain endpoint, with copies to others.
local function commit(mirrors, ...)
    writer.replace(mesh.of(
        tools.authority("ca", "mesh"), tools.identity("workload", "workload"),
        mesh.upstream("u", { { "127.2.0.7", 1, 18080 } }),
        mesh.virtual_host("v", "80", { "*" }, { { id = "r", upstream_id = "u", plugin = { mirrors = mirrors } } }),
        mesh.listener("l", 0, "80", { forward_client_cert = "always_forward_only" }), ...))
end

local function to(...)
    local mirrors = {}
    for index, id in ipairs({ ... }) do
        mirrors[index] = { upstream_id = id, ppm = 1000000 }
    end
    return mirrors
end

local function send(extra)
    return client.send(tools.with({ to = client.gateway, host = "ratings:9080", path = "/a//b?c=d",
                                    headers = HEADERS }, extra))
end

-- What came at an address, waited for.
local function copy_at(address)
    return wait.until_holds(function()
        return endpoint.last(address)
    end, "a copy at " .. address)
end


return function(test, check)
    test("a copy goes over verified TLS, with the client certificate, as the request went", function()
        commit(to("t"), cluster("t", "127.2.0.5"))
        local answer = send({ method = "POST", body = "words" })
        check.equal(answer.status, 200)
        check.equal(answer.seen.address, PLAIN)
        local copy = copy_at("127.2.0.5:18443")
        check.truthy(copy, "a copy")
        check.equal({ copy.method, copy.path, copy.body, copy.host, copy.sni, copy.peer },
                    { "POST", answer.seen.path, "words", "ratings-shadow:9080", "t.example", "O=workload" })
        local headers, own = copy.headers, answer.seen.headers
        check.equal(headers["x-amesh-copy"], nil)
        for _, one in ipairs({ headers, own }) do
            one.host = nil
        end
        check.equal(headers["x-own"], "own")
        check.equal(headers["x-forwarded-for"], "10.1.1.1")
        check.equal(headers["x-forwarded-client-cert"], "URI=x")
        for name, value in pairs(own) do
            check.equal(headers[name], value, name)
        end
        for name, value in pairs(headers) do
            check.equal(own[name], value, name)
        end
    end)

    test("to HTTP/2, with TLS and without", function()
        commit(to("h"), cluster("h", "127.2.0.1", { alpn = { "h2" } }, { amesh_http2 = "true" }))
        check.equal(send({ method = "POST", body = "words" }).status, 200)
        local copy = copy_at("127.2.0.1:18443")
        check.equal({ copy.version, copy.alpn, copy.body }, { "HTTP/2.0", "h2", "words" })
    end)

    test("an endpoint that does not hold gets none", function()
        local addresses = { "127.2.0.2", "127.2.0.3", "127.2.0.4" }
        local objects = {}
        for index, address in ipairs(addresses) do
            objects[#objects + 1] = cluster("t" .. index, address)
        end
        objects[#objects + 1] = cluster("good", "127.2.0.5")
        commit(to("t1", "t2", "t3", "good"), mesh.of(unpack(objects)))
        check.equal(send().status, 200)
        check.truthy(copy_at("127.2.0.5:18443"))
        ngx.sleep(0.2)
        for _, address in ipairs(addresses) do
            check.equal(endpoint.last(address .. ":18443"), nil, address)
        end
    end)

    test("a copy may fail or be slow, and the request does not notice", function()
        commit(to("t", "gone"), mesh.upstream("t", { { "127.2.0.5", 1, 19999 } },
                                              { scheme = "https", labels = { amesh_tls = "nowhere" } }))
        check.equal(send().status, 200)
    end)

    test("nobody can name a cluster by the header of a copy", function()
        commit(nil, cluster("t", "127.2.0.5"))
        for _, address in ipairs({ { "127.0.0.1", 15080 }, client.gateway, { "10.96.0.1", 9080 } }) do
            send({ to = address, headers = { ["x-amesh-copy"] = "t" } })
        end
        check.equal(endpoint.last("127.2.0.5:18443"), nil)
    end)
end
