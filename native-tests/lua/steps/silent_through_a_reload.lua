-- Connections that have not said a word when their workers are told to end: what they say then is served, and by the
-- mesh as it is by then. apisix.sh reloads when the host "silent" is there.
local mesh, writer = require("mesh"), require("writer")
local named = require("named")

local CONNECTIONS = 12
local HALF = CONNECTIONS / 2

local function connect(port)
    local sock = ngx.socket.tcp()
    sock:settimeout(20000)
    assert(sock:connect("10.96.0.1", port))
    return sock
end

local function silent(port)
    local socks = {}
    for i = 1, CONNECTIONS do
        socks[i] = connect(port)
    end
    return socks
end

local function answer(sock)
    assert(sock:send("GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n"))
    local text, err = sock:receive("*a")
    return text and text:gsub("^HTTP/1.1 (%d+).-\r\n\r\n", "%1 ") or err
end

local function tcp(upstream_id)
    local plugin = { clusters = { { upstream_id = upstream_id, weight = 1 } } }
    return { "/stream_routes/t", { id = "t", name = "t", upstream_id = upstream_id, plugins = { amesh = plugin } } }
end

local function commit(set)
    local number = writer.begin()
    writer.finish(number, writer.write(set))
end

return function(test, check)
    local http, raw, late

    test("connections are open and silent, and the workers begin to end", function()
        writer.replace(mesh.of(
            named("any", { "*" }), mesh.listener("l", 80, "80", { inspect = { "http" } }),
            mesh.listener("t", 81, "80", { inspect = { "http" }, chains = { { name = "t", stream_route = "t" } } }),
            mesh.listener("late", 82, "80", { inspect = { "http" }, inspect_timeout = 3 }),
            mesh.upstream("a", { "127.1.0.1" }), mesh.upstream("b", { "127.1.0.2" }), tcp("a")))
        http, raw, late = silent(80), silent(81), silent(82)
        -- those of the other worker are accepted, too
        ngx.sleep(0.2)
        writer.commit(named("silent", { "silent" }))
        local deadline = ngx.now() + 20
        while not ngx.worker.exiting() and ngx.now() < deadline do
            ngx.sleep(0.01)
        end
        check.truthy(ngx.worker.exiting())
        ngx.sleep(0.5)
    end)

    test("what they say then is served: HTTP", function()
        for i = 1, HALF do
            check.equal(answer(http[i]), "200 any")
        end
    end)

    test("and TCP", function()
        for i = 1, HALF do
            check.equal(answer(raw[i]):match('"served_by":"([%d.]+):'), "127.1.0.1")
        end
    end)

    test("for as long as their listener lets them", function()
        for i = 1, CONNECTIONS do
            check.equal(select(2, late[i]:receive(1)), "closed")
        end
    end)

    test("as the mesh is by then", function()
        commit(mesh.of(tcp("b"), { "/routes/r-any", { id = "r-any", name = "r-any", uri = "/*", priority = 999,
            vars = { { "amesh_route_config", "==", "80" } }, labels = { amesh_virtual_host = "any" },
            plugins = { amesh = { direct_response = { status = 200, body = "another" } } } } }))
        for i = HALF + 1, CONNECTIONS do
            check.equal(answer(http[i]), "200 another")
            check.equal(answer(raw[i]):match('"served_by":"([%d.]+):'), "127.1.0.2")
        end
    end)
end
