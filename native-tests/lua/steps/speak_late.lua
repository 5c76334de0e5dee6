-- Clients that say nothing at first are waited for in stream and served in HTTP; what the wait leaves behind must not
-- touch the connection when it is collected.
local mesh, writer = require("mesh"), require("writer")
local named = require("named")

local CONNECTIONS = 8
local REQUEST = "GET / HTTP/1.1\r\nHost: any\r\n\r\n"

local function connect(address, port)
    local sock = ngx.socket.tcp()
    sock:settimeout(10000)
    assert(sock:connect(address, port))
    return sock
end

local function status(sock)
    assert(sock:send(REQUEST))
    local line = assert(sock:receive("*l"))
    local length = 0
    repeat
        local header = assert(sock:receive("*l"))
        length = tonumber(header:lower():match("^content%-length: (%d+)")) or length
    until header == ""
    assert(sock:receive(length))
    return line
end

-- Which worker answers is chance.
local function collect_everywhere()
    for _ = 1, 40 do
        local sock = connect("127.0.0.1", 15083)
        assert(sock:receive("*a") == "collected\n")
        sock:close()
    end
end

return function(test, check)
    test("a kept connection that spoke late outlives the collection of what waited for it", function()
        writer.replace(mesh.of(
            named("any", { "*" }), mesh.listener("l", 80, "80", { inspect = { "http" } })))
        local socks = {}
        for i = 1, CONNECTIONS do
            socks[i] = connect("10.96.0.1", 80)
        end
        ngx.sleep(0.1)
        for _, sock in ipairs(socks) do
            check.equal(status(sock), "HTTP/1.1 200 OK")
        end
        collect_everywhere()
        for _, sock in ipairs(socks) do
            check.equal(status(sock), "HTTP/1.1 200 OK")
        end
    end)
end
