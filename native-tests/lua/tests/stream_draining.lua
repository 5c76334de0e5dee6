-- TCP connections whose filter chain or proxy the mesh changes or takes back: they end after
-- plugin_attr.amesh.drain_time, and no others. Only in a real APISIX. What is inside is HTTP, so that the endpoint can
-- tell that it was reached.
local core = require("apisix.core")
local mesh, writer = require("mesh"), require("writer")

local REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n"

local function proxy(id, upstream_id)
    return { "/stream_routes/" .. id, { id = id, plugins = { amesh = { clusters = { { upstream_id = upstream_id,
                                                                                       weight = 1 } } } } } }
end

local function chain(name, stream_route, extra)
    local value = { name = name, stream_route = stream_route }
    for field, content in pairs(extra or {}) do
        value[field] = content
    end
    return value
end

local function listener(id, port, chains, extra)
    extra = extra or {}
    extra.chains = chains
    return mesh.listener(id, port, nil, extra)
end

local function connect(port)
    local socket = ngx.socket.tcp()
    socket:settimeout(20000)
    assert(socket:connect("10.96.0.1", port))
    return socket
end

-- Which endpoint answers on it, with a body in chunks; nil when it is closed.
local function ask(socket)
    socket:send(REQUEST .. "\r\n")
    local header
    repeat
        header = socket:receive("*l")
    until not header or header == ""
    local body = ""
    while header do
        local line = socket:receive("*l")
        local size = line and tonumber(line, 16)
        local part = size and socket:receive(size + 2)
        if not part then
            return nil
        end
        if size == 0 then
            return body:match('"served_by":"([%d.]+):')
        end
        body = body .. part
    end
end

local function is_ended(socket)
    local data, err = socket:receive(1)
    return data == nil and err == "closed"
end

return function(test, check)
    if not core.table.try_read_attr(core.config.local_conf(), "apisix", "stream_proxy") then
        return
    end

    local function tcp_mesh(...)
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }, { scheme = "tcp" }),
                               mesh.upstream("b", { "127.1.0.2" }, { scheme = "tcp" }),
                               proxy("s", "a"), proxy("t", "a"), ...))
    end

    -- A connection by each of two listeners; after the change that of port 80 ends, and that of port 81 does not.
    local function ends_alone(change, ...)
        tcp_mesh(...)
        local ending, staying = connect(80), connect(81)
        check.equal(ask(ending), "127.1.0.1")
        check.equal(ask(staying), "127.1.0.1")
        change()
        check.truthy(is_ended(ending), "the one whose chain or proxy is another has ended")
        check.equal(ask(staying), "127.1.0.1", "the other one goes on")
        staying:close()
    end

    test("a listener that is gone", function()
        ends_alone(function() writer.commit({}, { "/listeners/l" }) end,
                   listener("l", 80, { chain("c", "s") }), listener("m", 81, { chain("c", "t") }))
    end)

    test("a chain that asks for more than it did", function()
        ends_alone(function()
            writer.commit({ listener("l", 80, { chain("c", "s", { server_names = { "only.example" } }) }) })
        end, listener("l", 80, { chain("c", "s") }), listener("m", 81, { chain("c", "t") }))
    end)

    test("a proxy that goes to another cluster", function()
        ends_alone(function() writer.commit({ proxy("s", "b") }) end,
                   listener("l", 80, { chain("c", "s") }), listener("m", 81, { chain("c", "t") }))
    end)

    test("chains that come and go beside it, and everything read anew, end nothing", function()
        tcp_mesh(listener("l", 80, { chain("c", "s") }), listener("m", 81, { chain("c", "t"), chain("n", "s") }))
        local ending, staying = connect(80), connect(81)
        check.equal(ask(ending), "127.1.0.1")
        check.equal(ask(staying), "127.1.0.1")
        tcp_mesh(listener("m", 81, { chain("n", "s", { server_names = { "new.example" } }), chain("c", "t") }))
        check.truthy(is_ended(ending))
        check.equal(ask(staying), "127.1.0.1")
        staying:close()
    end)

    test("a default chain, which stands in another object than the one for the destination's port", function()
        local elsewhere = { default_chain = chain("d", "t") }
        local narrow = { destination_port = 81 }
        ends_alone(function() writer.commit({}, { "/listeners/l" }) end,
                   listener("l", 80, { chain("c", "s") }), listener("base", 81, {}, elsewhere),
                   listener("narrow", 81, { chain("n", "s", { server_names = { "only.example" } }) }, narrow))
    end)
end
