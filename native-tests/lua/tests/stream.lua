-- The provider in nginx's stream subsystem, whose Lua VM is another: what is committed serves TCP connections. Only in
-- a real APISIX.
local core = require("apisix.core")
local mesh, writer = require("mesh"), require("writer")
local status = require("apisix.amesh.status")

local PORT = 9100

-- Which endpoint answers a request through the TCP proxy; nil when the connection is closed.
local function asked()
    local socket = ngx.socket.tcp()
    socket:settimeout(2000)
    if not socket:connect("127.0.0.1", PORT) then
        return nil
    end

    socket:send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
    local answer = socket:receive("*a")
    socket:close()
    return answer and answer:match('"served_by":"([%d.]+):')
end

-- New connections go to whichever worker: the same from all of them.
local function is_asked(endpoint)
    for _ = 1, 12 do
        if asked() ~= endpoint then
            return false
        end
    end
    return true
end

local function stream_route(id, upstream_id)
    return { "/stream_routes/" .. id, { id = id, name = "one of " .. upstream_id, server_port = PORT,
                                        upstream_id = upstream_id } }
end

return function(test, check)
    if not core.table.try_read_attr(core.config.local_conf(), "apisix", "stream_proxy") then
        return
    end

    test("a connection goes where stream route and upstream say", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), stream_route("s", "a")))
        check.truthy(is_asked("127.1.0.1"))
    end)

    test("an upstream that changes is followed", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), stream_route("s", "a")))
        check.truthy(is_asked("127.1.0.1"))
        writer.commit({ mesh.upstream("a", { "127.1.0.2" }) })
        check.truthy(is_asked("127.1.0.2"))
    end)

    test("the mesh's stream routes, which have no conditions, take no connection to APISIX's own listeners", function()
        local function of_the_mesh(id)
            local proxy = { clusters = { { upstream_id = "a", weight = 1 } } }
            return { "/stream_routes/" .. id, { id = id, name = id, upstream_id = "a", plugins = { amesh = proxy } } }
        end
        local objects = { mesh.upstream("a", { "127.1.0.1" }), mesh.upstream("b", { "127.1.0.2" }),
                          stream_route("one-of-the-users-own", "b") }
        -- enough of them that one stands before it, whatever the order
        for number = 1, 20 do
            objects[#objects + 1] = of_the_mesh("m" .. number)
        end
        writer.replace(mesh.of(unpack(objects)))
        check.truthy(is_asked("127.1.0.2"))
    end)

    test("a stream route that changes is followed", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), mesh.upstream("b", { "127.1.0.2" }),
                               stream_route("s", "a")))
        check.truthy(is_asked("127.1.0.1"))
        writer.commit({ stream_route("s", "b") })
        check.truthy(is_asked("127.1.0.2"))
    end)

    test("a stream route that is gone serves nothing", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), stream_route("s", "a")))
        writer.commit({}, { "/stream_routes/s" })
        check.truthy(is_asked(nil))
    end)

    test("everything read at once is there, too", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), stream_route("s", "a")))
        local number = writer.begin()
        writer.write(mesh.of(mesh.upstream("a", { "127.1.0.3" })))
        writer.finish(number, "*")
        writer.wait()
        check.truthy(is_asked("127.1.0.3"))
    end)

    test("the plugin leaves the HTTP side alone, where APISIX before 3.18 starts it as well", function()
        require("apisix.stream.plugins.amesh").init()
        check.equal(require("apisix.stream.router.ip_port").amesh_match, nil)
    end)

    test("the status tells of the stream side of every worker, and what it refused", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), stream_route("s", "a"),
                               { "/stream_routes/bad", { id = "bad", server_port = "x" } }))
        check.truthy(is_asked("127.1.0.1"))
        writer.commit({ mesh.upstream("b", {}) })
        local all = status.all().stream
        check.equal(#all, ngx.worker.count())
        for _, one in ipairs(all) do
            check.equal(one.applied, writer.number())
            check.truthy(one.refused["/stream_routes/bad"])
        end
    end)
end
