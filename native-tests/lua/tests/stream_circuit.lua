-- Circuit breakers of TCP clusters: connections through the captured port of a real APISIX, whose two workers count
-- together. What is inside is HTTP, so that the endpoint can tell that it was reached.
local ffi = require("ffi")
local mesh, writer = require("mesh"), require("writer")
local wait = require("wait")
local json = require("cjson.safe")
local ngx = ngx

local CAPTURED = { "10.96.0.1", 80 }
local REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n"
-- no process listens there
local NOBODY = { { "127.1.0.1", 1, 18099 } }

local number = 0


local function logged(text)
    local file = assert(io.open(ngx.config.prefix() .. "logs/error.log", "rb"))
    local found = file:read("*a"):find(text, 1, true)
    file:close()
    return found ~= nil
end

local function route(clusters, conf)
    local plugin = { clusters = clusters }
    for name, value in pairs(conf or {}) do
        plugin[name] = value
    end
    return mesh.of({ "/stream_routes/s", { id = "s", plugins = { amesh = plugin } } },
                   mesh.listener("l", 80, nil, { chains = { { name = "tcp", stream_route = "s" } } }))
end

local function limited(limits, labels)
    labels = labels or {}
    labels.amesh_circuit_breaker = json.encode(limits)
    return { scheme = "tcp", labels = labels }
end

-- A mesh with one TCP cluster, which nothing has counted for yet. Its name.
local function with_limits(limits, addresses, conf)
    number = number + 1
    local id = "tcp" .. number
    writer.replace(mesh.of(mesh.upstream(id, addresses or { "127.1.0.1" }, limited(limits)),
                           route({ { upstream_id = id, weight = 1 } }, conf)))
    return id
end

local function connect(to)
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    to = to or CAPTURED
    assert(socket:connect(to[1], to[2]))
    return socket
end

-- A connection that an endpoint has answered on, and that stays; nil when it was closed without a byte.
local function open(headers, to)
    local socket = connect(to)
    socket:send(REQUEST .. (headers or "") .. "\r\n")
    local line = socket:receive("*l")
    if not line then
        socket:close()
        return nil
    end
    assert(line == "HTTP/1.1 200 OK", line)
    return socket
end

local function close(sockets)
    for _, socket in ipairs(sockets) do
        socket:close()
    end
end

-- So many connections one after the other, all of which stay.
local function open_many(count)
    local sockets = {}
    for _ = 1, count do
        sockets[#sockets + 1] = open()
    end
    return sockets
end

-- Waits until there is room for so many connections, and no more. nginx may hear of a client's end a little later.
local function has_room_for(count)
    return wait.until_holds(function()
        local sockets = open_many(count + 1)
        close(sockets)
        return #sockets == count
    end, "room for " .. count)
end


return function(test, check)
    test("more connections than allowed are closed, whichever worker has the others", function()
        with_limits({ max_connections = 3 })
        local sockets = open_many(12)
        check.equal(#sockets, 3)
        sockets[1]:close()
        table.remove(sockets, 1)
        local again = wait.until_holds(open, "a free place")
        check.equal(open(), nil, "one, and no more")
        sockets[#sockets + 1] = again
        close(sockets)
        check.truthy(has_room_for(3))
    end)

    test("all at once get no more than one after the other", function()
        with_limits({ max_connections = 3 })
        local threads, sockets = {}, {}
        for index = 1, 12 do
            threads[index] = ngx.thread.spawn(open)
        end
        local got = 0
        for _, thread in ipairs(threads) do
            local _, socket = ngx.thread.wait(thread)
            got = got + (socket and 1 or 0)
            sockets[#sockets + 1] = socket
        end
        check.equal(got, 3)
        close(sockets)
        check.truthy(has_room_for(3))
    end)

    test("the place is free again however a connection ends", function()
        local ways = {
            ["by the client before it says anything"] = function()
                connect():close()
            end,
            ["by the endpoint"] = function()
                check.equal(open("x-answer-reset: yes\r\n"), nil)
            end,
            ["by both in the middle of an answer"] = function()
                local socket = connect()
                socket:send(REQUEST .. "x-answer-after: 0.3\r\n\r\n")
                ngx.sleep(0.05)
                socket:close()
            end,
        }
        for title, run in pairs(ways) do
            with_limits({ max_connections = 2 })
            for _ = 1, 6 do
                run()
                ngx.sleep(0.02)
            end
            check.truthy(has_room_for(2), title)
        end

        with_limits({ max_connections = 1 }, nil, { idle_timeout = 0.2 })
        local socket = open()
        check.equal(open(), nil)
        check.truthy(has_room_for(1), "by the idle timeout")
        socket:close()

        local id = with_limits({ max_connections = 1 }, NOBODY, { max_connect_attempts = 2 })
        for _ = 1, 6 do
            check.equal(open(), nil)
        end
        writer.commit({ mesh.upstream(id, { "127.1.0.1" }, limited({ max_connections = 1 })) })
        check.truthy(has_room_for(1), "by nobody who takes it")
    end)

    test("where no connection may be made none is", function()
        with_limits({ max_connections = 5, max_pending = 0 })
        check.equal(open(), nil)
        with_limits({ max_connections = 0 })
        check.equal(open(), nil)
    end)

    test("parts of a cluster count together, clusters apart", function()
        number = number + 1
        local id = "tcp" .. number
        local function of_both(labels)
            return mesh.of(
                mesh.upstream(id, { "127.1.0.1" }, limited({ max_connections = 4 })),
                mesh.upstream(id .. "b", { "127.1.0.2" }, limited({ max_connections = 4 }, labels)),
                route({ { upstream_id = id, weight = 1 }, { upstream_id = id .. "b", weight = 1 } }))
        end
        writer.replace(of_both({ amesh_cluster = id }))
        local sockets = open_many(60)
        check.equal(#sockets, 4)
        close(sockets)
        check.truthy(has_room_for(4))
        writer.replace(of_both())
        sockets = open_many(60)
        check.equal(#sockets, 8)
        close(sockets)
    end)

    test("what goes on to where it was going counts under its cluster, wherever that is", function()
        number = number + 1
        local from = { circuit_breaker = '{"max_connections":2}', cluster = "tcp" .. number, bind_source = "127.9.9.9" }
        local clusters = { { original_dst = true, original_dst_from = from, weight = 1 } }
        writer.replace(mesh.of({ "/stream_routes/s", { id = "s", plugins = { amesh = { clusters = clusters } } } },
                               mesh.listener("l", 18080, nil, { chains = { { name = "tcp", stream_route = "s" } } })))
        local sockets = {}
        for _ = 1, 6 do
            sockets[#sockets + 1] = open("", { "10.97.0.1", 18080 })
        end
        check.equal(#sockets, 2)
        close(sockets)
    end)

    test("a cluster without limits is not limited", function()
        number = number + 1
        writer.replace(mesh.of(mesh.upstream("tcp" .. number, { "127.1.0.1" }, { scheme = "tcp" }),
                               route({ { upstream_id = "tcp" .. number, weight = 1 } })))
        local sockets = open_many(20)
        check.equal(#sockets, 20)
        close(sockets)
    end)

    test("a worker that is killed leaves nothing behind", function()
        local killed
        for _ = 1, 40 do
            with_limits({ max_connections = 1 })
            local socket = assert(open())
            for _, pid in ipairs(ngx.worker.pids()) do
                -- not the one that runs this test
                if pid ~= ngx.worker.pid() then
                    ffi.C.kill(pid, 9)
                end
            end
            -- the worker that takes its place has to have the mesh, too
            ngx.sleep(0.5)
            socket:close()
            check.truthy(has_room_for(1))
            killed = killed or logged("has ended in the middle of its work: 1 of its counts")
            if killed then
                break
            end
        end
        check.truthy(killed, "a worker that had the connection")
    end)
end
