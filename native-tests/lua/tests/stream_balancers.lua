-- The balancers of HTTP with TCP clusters, in a real APISIX with two workers.
local mesh, writer = require("mesh"), require("writer")
local json = require("cjson.safe")
local ngx = ngx

local NAMES = { ["127.1.0.1"] = 1, ["127.1.0.2"] = 2, ["127.1.0.3"] = 3 }
local number = 0


local function commit(addresses, upstream, proxy)
    number = number + 1
    local id = "balanced" .. number
    upstream.scheme = "tcp"
    proxy = proxy or {}
    proxy.clusters = { { upstream_id = id, weight = 1 } }
    writer.replace(mesh.of(
        mesh.upstream(id, addresses, upstream),
        { "/stream_routes/s", { id = "s", plugins = { amesh = proxy } } },
        mesh.listener("l", 80, nil, { chains = { { name = "tcp", stream_route = "s" } } })))
end

-- A connection that stays, and the endpoint that it reached. from: the client's own address.
local function open(from)
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    if from then
        assert(socket:bind(from))
    end
    assert(socket:connect("10.96.0.1", 80))
    socket:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    local line, length
    repeat
        line = assert(socket:receive("*l"))
        length = tonumber(line:lower():match("^content%-length: (%d+)")) or length
    until line == ""
    local body
    if length then
        body = socket:receive(length)
    else
        body = socket:receive(tonumber(socket:receive("*l"), 16))
    end
    return socket, NAMES[json.decode(body).served_by:match("^[%d.]+")]
end

local function counts(connections, from)
    local reached = { 0, 0, 0 }
    for _ = 1, connections do
        local socket, name = open(from)
        reached[name] = reached[name] + 1
        socket:close()
    end
    return reached
end


return function(test, check)
    test("by turns", function()
        commit(mesh.addresses, { type = "roundrobin" })
        local reached = counts(60)
        for index = 1, 3 do
            check.truthy(reached[index] >= 18, "connections of " .. index)
        end
    end)

    test("by chance, as weights say", function()
        commit({ { "127.1.0.1", 3 }, { "127.1.0.2", 1 } }, { type = "amesh_random" })
        local reached = counts(200)
        check.share(reached[1], 200, 0.75)
        check.equal(reached[3], 0)
    end)

    test("to the one with fewest connections", function()
        commit(mesh.addresses, { type = "amesh_least_request", labels = { amesh_balancing = "choices=20" } })
        local sockets, reached = {}, { 0, 0, 0 }
        for index = 1, 30 do
            local name
            sockets[index], name = open()
            reached[name] = reached[name] + 1
        end
        -- each worker counts its own
        for index = 1, 3 do
            check.truthy(reached[index] >= 9 and reached[index] <= 11, "connections of " .. index)
        end
        for _, socket in ipairs(sockets) do
            socket:close()
        end
    end)

    test("by the client's address, where the proxy says so", function()
        commit(mesh.addresses, { type = "amesh_hash" }, { hash_source_ip = true })
        local several = {}
        for last = 1, 24 do
            local reached = counts(4, "127.8.0." .. last)
            local one
            for index = 1, 3 do
                one = one or reached[index] == 4 and index
            end
            check.truthy(one, "all connections of an address go to one endpoint")
            several[one] = true
        end
        check.equal(several, { true, true, true })
        commit(mesh.addresses, { type = "amesh_hash" })
        local reached = counts(40, "127.8.0.1")
        check.truthy(reached[1] > 0 and reached[2] > 0 and reached[3] > 0, "by chance, where it says nothing")
    end)
end
