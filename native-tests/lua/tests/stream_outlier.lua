-- Outlier detection of TCP clusters, whose counts are in a dictionary of nginx's stream.
local mesh, writer, client = require("mesh"), require("writer"), require("client")

-- in turns: one that answers, and one where nobody listens
local ADDRESSES = { { "127.1.0.1", 1, 18080 }, { "127.1.0.1", 1, 18098 } }
local number = 0


-- How many of so many connections are closed without an answer.
local function lost(count, outliers)
    number = number + 1
    local id = "out" .. number
    writer.replace(mesh.of(
        mesh.upstream(id, ADDRESSES, { scheme = "tcp", labels = { amesh_outlier_detection = outliers } }),
        { "/stream_routes/s", { id = "s", plugins = { amesh = { clusters = { { upstream_id = id, weight = 1 } } } } } },
        mesh.listener("l", 80, nil, { chains = { { name = "tcp", stream_route = "s" } } })))
    local bad = 0
    for _ = 1, count do
        bad = bad + (client.send({ to = { "10.96.0.1", 80 }, host = "x" }).status == 200 and 0 or 1)
    end
    return bad
end


return function(test, check)
    test("an endpoint that accepts no connections gets none for a while, from any worker", function()
        check.equal(lost(30, "5xx=3,interval=10,base=30,max=300,percent=100,panic=0"), 3)
    end)

    test("without outlier detection it goes on getting them", function()
        check.truthy(lost(30) > 10)
    end)
end
