-- HTTP that comes in by chains that are not for it, where nginx has no stream side to decide that before.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local A, B = mesh.addresses[1], mesh.addresses[2]

local function listener(chains, extra)
    extra = extra or {}
    extra.chains = chains
    return mesh.listener("l", 80, nil, extra)
end

local function stream_route(clusters)
    return { "/stream_routes/s", { id = "s", plugins = { amesh = { clusters = clusters } } } }
end

local function answer()
    local got = client.send({ to = { "10.96.0.1", 80 }, host = "any", path = "/a//b?c" })
    return type(got.status) == "number" and got or "closed"
end

return function(test, check)
    test("a request in a TCP proxy's chain is passed on as it came", function()
        writer.replace(mesh.of(
            mesh.upstream("u", { A }),
            stream_route({ { upstream_id = "u", weight = 1 } }),
            listener({ { name = "tcp", stream_route = "s" } })))
        local got = answer()
        check.equal(got.status, 200)
        check.equal(got.seen.served_by, A .. ":18080")
        check.equal(got.seen.path, "/a//b?c")
    end)

    test("a change of the stream route is followed", function()
        writer.commit({ mesh.upstream("v", { B }), stream_route({ { upstream_id = "v", weight = 1 } }) })
        check.equal(answer().seen.served_by, B .. ":18080")
    end)

    test("where a TCP proxy has nowhere to go, the connection is closed without an answer", function()
        writer.commit({ mesh.upstream("v", {}) })
        check.equal(answer(), "closed")
        writer.commit({}, { "/stream_routes/s" })
        check.equal(answer(), "closed")
    end)

    test("so it is where no chain takes it, or only one that ends TLS", function()
        writer.replace(mesh.of(listener({ { name = "named", server_names = { "a.test" }, stream_route = "s" } })))
        check.equal(answer(), "closed")
        writer.replace(mesh.of(listener({ { name = "tls", http = { route_config = "x" },
                                            tls = { certificate = "c" } } })))
        check.equal(answer(), "closed")
    end)
end
