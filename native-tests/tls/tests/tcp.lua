-- TLS towards the endpoints of TCP clusters: what is inside is HTTP, so that the endpoint can tell what it saw.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local count = require("tls_endpoint").count
local raw, tools = require("raw_endpoint"), require("tls_tools")
local ngx = ngx

local CAPTURED = "10.96.0.1"
-- by the port of the destination: the protocols that its cluster offers, and the one that the endpoint takes
local CASES = {
    { 9080, { "istio-peer-exchange", "http/1.1" }, "http/1.1" },
    { 9081, nil, nil },
    { 9082, { "http/1.0" }, "http/1.0" },
}


local function authority(name)
    return tools.authority("ca", name)
end

-- A cluster behind a port of the destination.
local function cluster(port, alpn, addresses, conf, certificate)
    local id, nodes = "c" .. port, {}
    for index, address in ipairs(addresses) do
        local host, own_port = address:match("^(.*):(%d+)$")
        nodes[index] = { host or address, 1, tonumber(own_port) or 18443 }
    end
    local plugin = tools.with({ clusters = { { upstream_id = id, weight = 1 } } }, conf)
    return mesh.of(
        tools.context(id, { sni = id .. ".example", alpn = alpn, certificate = certificate }),
        mesh.upstream(id, nodes, { scheme = "tls", labels = { amesh_tls = id } }),
        { "/stream_routes/" .. id, { id = id, name = id, plugins = { amesh = plugin } } },
        { "/listeners/l" .. port, { id = "l" .. port, name = "l", address = "0.0.0.0", port = 15006, bound = true,
          direction = "inbound", original_dst = "restore", destination_port = port,
          chains = { { name = id, stream_route = id } } } })
end

local function send(port)
    return client.send({ to = { CAPTURED, port }, host = "x" })
end

-- A connection that stays, and what its endpoint says first; nil when it is closed.
local function open(port)
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    assert(socket:connect(CAPTURED, port))
    socket:send("word\n")
    return socket, (socket:receive("*l"))
end


return function(test, check)
    test("protocols are offered as the cluster says, from a worker's first connections on and taking turns", function()
        local objects = { authority("mesh") }
        for _, case in ipairs(CASES) do
            objects = mesh.of(objects, cluster(case[1], case[2], { "127.2.0.1" }))
        end
        writer.replace(objects)
        tools.at_once(8, function()
            for _ = 1, 5 do
                for _, case in ipairs(CASES) do
                    local answer = send(case[1])
                    check.equal(answer.status, 200)
                    check.equal(answer.seen.alpn, case[3], "protocol at " .. case[1])
                    check.equal(answer.seen.sni, "c" .. case[1] .. ".example")
                end
            end
        end)
    end)

    test("an endpoint that does not hold gets nothing, and no other one is tried unless the route says so", function()
        local bad, good = "127.2.0.4", "127.2.0.1"
        writer.replace(mesh.of(authority("mesh"), cluster(9080, nil, { bad }),
                               cluster(9081, nil, { bad, good }), cluster(9082, nil, { bad, good },
                                                                          { max_connect_attempts = 2 })))
        check.truthy(send(9080).status ~= 200)
        local reached = 0
        for _ = 1, 20 do
            reached = reached + (send(9081).status == 200 and 1 or 0)
            check.equal(send(9082).status, 200)
        end
        check.equal(reached, 10, "of 20 connections to one of two endpoints in turns")
        check.equal(count(bad .. ":18443"), 0)
    end)

    test("an endpoint whose certificate does not hold hears no byte, in TLS 1.3 and 1.2", function()
        local good = "127.2.0.1:19443"
        for title, address in pairs({ ["another name"] = "127.2.0.2:19443", ["run out"] = "127.2.0.3:19443",
                                      ["another authority's"] = "127.2.0.4:19443",
                                      ["another authority's, TLS 1.2"] = "127.2.0.4:19444" }) do
            for _, certificate in ipairs({ false, "own" }) do
                writer.replace(mesh.of(authority("mesh"), tools.identity("own", "client-a"),
                                       cluster(9080, nil, { address }, nil, certificate or nil),
                                       cluster(9081, nil, { good }, nil, certificate or nil)))
                raw.heard()
                local socket, said = open(9080)
                check.equal(said, nil, title)
                socket:close()
                check.equal(raw.heard(), {}, title)
                socket, said = open(9081)
                check.equal(said, "hello " .. good)
                check.equal(socket:receive("*l"), "word")
                socket:close()
                check.equal(raw.heard(), { good .. " a connection", good .. " word" })
            end
        end
    end)

    test("rotation: an open connection stays, the next one is verified by the new authority", function()
        local good = "127.2.0.1:19443"
        writer.replace(mesh.of(authority("mesh"), tools.identity("own", "client-a"),
                               cluster(9080, nil, { good }, nil, "own")))
        local kept, said = open(9080)
        check.equal(said, "hello " .. good)
        check.equal(kept:receive("*l"), "word")
        writer.commit({ authority("stranger") })
        raw.heard()
        local socket, nothing = open(9080)
        check.equal(nothing, nil)
        socket:close()
        check.equal(raw.heard(), {})
        check.truthy(tools.hears(kept, "still"))
        writer.commit({ authority("mesh"), tools.identity("own", "client-b") })
        socket, said = open(9080)
        check.equal(said, "hello " .. good)
        socket:close()
        check.truthy(tools.hears(kept, "and still"))
        writer.commit({}, { "/amesh_secrets/ca", "/amesh_secrets/own" })
        socket, nothing = open(9080)
        check.equal(nothing, nil, "without its secrets")
        socket:close()
        check.truthy(tools.hears(kept, "at last"))
        kept:close()
    end)
end
