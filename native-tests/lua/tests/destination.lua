-- Captured connections: iptables sends 10.96.0.0/15 and fd00:96::/64 to the gateway (network.sh).
local mesh, writer, client = require("mesh"), require("writer"), require("client")

-- A route that tells what a variable holds: one per value that is possible.
local function telling(variable, values)
    local routes = {}
    for i, value in ipairs(values) do
        routes[i] = { id = "t" .. i, vars = { { variable, "==", value } },
                      plugin = { direct_response = { status = 200, body = value } } }
    end
    return mesh.of(mesh.virtual_host("v", "all", { "*" }, routes), mesh.listener("l", 0, "all"))
end

local function to(address, port, host)
    local answer = client.send({ to = { address, port }, host = host or "x" })
    return answer.status == 200 and answer.body or answer.status
end

return function(test, check)
    for _, variable in ipairs({ "connection_original_dst", "amesh_destination" }) do
        test(variable .. " of a redirected connection, IPv4 and IPv6", function()
            writer.replace(telling(variable, { "10.96.0.1:9080", "10.96.0.2:80", "[fd00:96::1]:9080" }))
            check.equal(to("10.96.0.1", 9080), "10.96.0.1:9080")
            check.equal(to("10.96.0.2", 80), "10.96.0.2:80")
            check.equal(to("[fd00:96::1]", 9080), "[fd00:96::1]:9080")
            check.equal(to("10.96.0.2", 81), 404)
        end)
    end

    test("a proxy that was called by name: its own address and the port in Host", function()
        writer.replace(telling("amesh_destination", { "127.0.0.1:9080", "127.0.0.1:80" }))
        check.equal(to("127.0.0.1", 15001, "reviews:9080"), "127.0.0.1:9080")
        check.equal(to("127.0.0.1", 15001, "reviews"), "127.0.0.1:80")
    end)

    -- older versions of ngx_lua cannot say where a connection comes from
    if ngx.socket.tcp().bind then
        test("which is for callers on this host: nobody else is served with the workload's identity", function()
            local sidecar = { original_dst = "handoff", bound = true, direction = "outbound" }
            writer.replace(mesh.of(telling("amesh_destination", { "127.0.0.1:9080" }),
                                   mesh.listener("out", 15001, "all", sidecar), mesh.listener("web", 9080, "all")))
            check.equal(to("127.0.0.1", 15001, "reviews:9080"), "127.0.0.1:9080")
            local sock = ngx.socket.tcp()
            assert(sock:bind("10.96.0.2"))
            assert(sock:connect("127.0.0.1", 15001))
            sock:send("GET / HTTP/1.1\r\nHost: reviews:9080\r\nConnection: close\r\n\r\n")
            local answer, err, partial = sock:receive("*a")
            check.equal(answer or partial, "", err)
            sock:close()
        end)
    end

    test("a listener's own address: that address and port, whatever Host says", function()
        local own = telling("amesh_destination", { "127.0.0.1:15001", "127.0.0.2:15001", "127.0.0.1:9080",
                                                   "127.0.0.2:9080" })
        writer.replace(mesh.of(own, mesh.listener("o", 15001, "all", { address = "127.0.0.2" })))
        check.equal(to("127.0.0.2", 15001, "reviews:9080"), "127.0.0.2:15001")
        check.equal(to("127.0.0.1", 15001, "reviews:9080"), "127.0.0.1:9080")
        writer.replace(mesh.of(own, mesh.listener("o", 15001, "all")))
        check.equal(to("127.0.0.1", 15001, "reviews:9080"), "127.0.0.1:15001")
    end)

    test("the same host on two ports is two virtual hosts", function()
        local function named(id, port)
            return mesh.of(
                mesh.virtual_host(id, tostring(port), { "reviews" },
                                  { { id = "r" .. id, plugin = { direct_response = { status = 200, body = id } } } }),
                mesh.listener("l" .. id, port, tostring(port)))
        end
        writer.replace(mesh.of(named("a", 9080), named("b", 9081)))
        check.equal(to("10.96.0.1", 9080, "reviews"), "a")
        check.equal(to("10.96.0.2", 9081, "reviews"), "b")
        check.equal(to("10.96.0.1", 9082, "reviews"), 404)
        check.equal(to("[fd00:96::1]", 9081, "reviews"), "b")
    end)

    test("a kept connection follows its listeners, and Host where that says the port", function()
        local function named(id, port)
            return mesh.of(
                mesh.virtual_host(id, id, { "*" },
                                  { { id = "r" .. id, plugin = { direct_response = { status = 200, body = id } } } }),
                mesh.listener("l" .. port, port, id))
        end
        writer.replace(mesh.of(named("a", 9080), named("b", 9081)))
        local captured, direct = {}, {}
        local function over(kept, address, port, host)
            local answer = client.send({ to = { address, port }, host = host, kept = kept })
            return answer.status == 200 and answer.body or answer.status
        end
        for _ = 1, 2 do
            check.equal(over(captured, "10.96.0.1", 9080, "x"), "a")
            check.equal(over(direct, "127.0.0.1", 15001, "x:9080"), "a")
            check.equal(over(direct, "127.0.0.1", 15001, "x:9081"), "b")
        end
        writer.replace(mesh.of(named("c", 9080), named("b", 9081)))
        check.equal(over(captured, "10.96.0.1", 9080, "x"), "c")
        check.equal(over(direct, "127.0.0.1", 15001, "x:9080"), "c")
    end)

    test("a listener for one address outranks one for the port", function()
        local function named(id)
            return mesh.virtual_host(id, id, { "*" },
                                     { { id = "r" .. id, plugin = { direct_response = { status = 200, body = id } } } })
        end
        writer.replace(mesh.of(named("vip"), named("port"), named("v6"),
                               mesh.listener("l1", 80, "vip", { address = "10.96.0.1" }),
                               mesh.listener("l2", 80, "port"),
                               mesh.listener("l3", 80, "v6", { address = "fd00:96::1" })))
        check.equal(to("10.96.0.1", 80), "vip")
        check.equal(to("10.96.0.2", 80), "port")
        check.equal(to("[fd00:96::1]", 80), "v6")
    end)

    test("passed on to where the connection was going", function()
        writer.replace(mesh.of(
            mesh.virtual_host("any", "any", { "*" }, { { id = "any", plugin = { original_dst = true } } }),
            mesh.listener("l", 0, "any")))
        local answer = client.send({ to = { "10.97.0.1", 18080 }, host = "outside", path = "/%63?d",
                                     headers = { ["x-forwarded-for"] = "9.9.9.9" } })
        check.equal(answer.status, 200)
        check.equal(answer.seen.served_by, "10.97.0.1:18080")
        check.equal(answer.seen.host, "outside")
        check.equal(answer.seen.path, "/c?d")
        check.equal(answer.seen.headers["x-forwarded-for"], "9.9.9.9")
        check.equal(client.send({ to = { "10.97.0.1", 18081 } }).status, 503, "nobody there")
        check.equal(client.send({ host = "self" }).status, 503, "this proxy itself")
    end)

    test("one of several clusters can be the original destination", function()
        writer.replace(mesh.of(
            mesh.upstream("one", { "127.1.0.1" }),
            mesh.virtual_host("any", "any", { "*" }, { { id = "any", plugin = { clusters = {
                { original_dst = true, weight = 50 }, { upstream_id = "one", weight = 50 } } } } }),
            mesh.listener("l", 0, "any")))
        local original = 0
        for _ = 1, 60 do
            local answer = client.send({ to = { "10.97.0.1", 18080 } })
            original = original + (answer.seen.served_by == "10.97.0.1:18080" and 1 or 0)
        end
        check.share(original, 60, 0.5)
    end)
end
