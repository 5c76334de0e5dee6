-- What the first bytes of a connection tell: a TLS client hello (server name, protocols), or the start of HTTP.
local client_hello = require("apisix.amesh.stream.client_hello")
local http_start = require("apisix.amesh.stream.http_start")
local mesh, writer = require("mesh"), require("writer")
local named = require("named")

-- As OpenSSL 3 sends it, for the name Reviews.Default.svc.cluster.local and the protocols istio, h2, http/1.1; 517
-- bytes, of which the last are padding.
local OPENSSL = ([[
    1603010200010001fc0303fc823d16a209d93a3938e43147bb12cd3c954bc14cffd4c03e631a443803e5c020151a601cf3f57851a9561c97
    2f5573617670212b0dafa5da7ff8105dd89b6b2c000813021303130100ff010001ab000000260024000021526576696577732e4465666175
    6c742e7376632e636c75737465722e6c6f63616c000b000403000102000a00160014001d0017001e00190018010001010102010301040023
    000000100014001205697374696f02683208687474702f312e310016000000170000000d001e001c040305030603080708080809080a080b
    080408050806040105010601002b0003020304002d00020101003300260024001d00209048abd3aa46c58b4e0461d8eb0e516149916bafdb
    6f99a9737c89cb4599ae55001500de
]]):gsub("%s", ""):gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
OPENSSL = OPENSSL .. ("\0"):rep(517 - #OPENSSL)

local function u16(number)
    return string.char(math.floor(number / 256), number % 256)
end

local function extension(kind, data)
    return u16(kind) .. u16(#data) .. data
end

local function names(...)
    local list = ""
    for _, name in ipairs({ ... }) do
        list = list .. "\0" .. u16(#name) .. name
    end
    return extension(0, u16(#list) .. list)
end

-- A client hello's handshake message with these extensions (nil: without the field, as TLS 1.0 clients sent it).
local function message(extensions)
    local body = "\3\3" .. ("r"):rep(32) .. "\0" .. u16(2) .. "\19\1" .. "\1\0"
                 .. (extensions and u16(#extensions) .. extensions or "")
    return "\1\0" .. u16(#body) .. body
end

local function records(text, size)
    local out = ""
    for at = 1, #text, size or #text do
        local part = text:sub(at, at + (size or #text) - 1)
        out = out .. "\22\3\1" .. u16(#part) .. part
    end
    return out
end

return function(test, check)
    test("server name and protocols of a real client hello", function()
        local hello = client_hello.parse(OPENSSL)
        check.equal(hello.sni, "reviews.default.svc.cluster.local")
        check.equal(table.concat(hello.alpn, " "), "istio h2 http/1.1")
        check.equal(client_hello.parse(OPENSSL .. "early data").sni, hello.sni)
    end)

    test("a client hello that comes in pieces is waited for, whatever the cut", function()
        for length = 0, #OPENSSL - 1 do
            check.equal(client_hello.parse(OPENSSL:sub(1, length)), nil)
        end
    end)

    test("a client hello in several records", function()
        for _, size in ipairs({ 1, 3, 4, 40 }) do
            check.equal(client_hello.parse(records(message(names("a.example")), size)).sni, "a.example")
        end
    end)

    test("TLS without a server name, without protocols, without extensions", function()
        check.equal(next(client_hello.parse(records(message("")))), nil)
        check.equal(next(client_hello.parse(records(message(nil)))), nil)
        check.equal(client_hello.parse(records(message(extension(16, "\0\3\2h2")))).alpn[1], "h2")
    end)

    test("what is not TLS is told at once", function()
        for _, bytes in ipairs({ "G", "\0", "~x\n", "\22\2", "\22\3\1\0\0", "\22\3\1\255\255", "\22\3\1\0\4\2\0\0\0",
                                 "\21\3\1\0\2\1\0" }) do
            check.equal(client_hello.parse(bytes), false)
        end
    end)

    test("a hello whose lengths point outside is no TLS", function()
        local good = message(names("a.example"))
        for at = 5, #good do
            local bad = good:sub(1, at - 1) .. "\255" .. good:sub(at + 1)
            local hello = client_hello.parse(records(bad))
            check.equal(hello ~= nil, true)
        end
        check.equal(client_hello.parse(records(message(u16(0) .. u16(200) .. "x"))), false)
    end)

    local HTTP = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http/1.1" },
        { "GET / HTTP/1.0\r\n", "http/1.0" },
        { "DELETE /a?b=c HTTP/1.1\n", "http/1.1" },
        { "CONNECT a:443 HTTP/1.1\r\n", "http/1.1" },
        { "M-SEARCH * HTTP/1.1\r\n", "http/1.1" },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4", "h2c" },
        { "GET /" .. ("x"):rep(9000), "http/1.1" },
        { "", nil },
        { "G", nil },
        { "PR", nil },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", nil },
        { "GET", nil },
        { "GET /long", nil },
        { "GET / HTTP/1.1", nil },
        { "get / HTTP/1.1\r\n", false },
        { "GETS / HTTP/1.1\r\n", false },
        { "FROB / HTTP/1.1\r\n", false },
        { "GET /\r\n", false },
        { "GET  / HTTP/1.1\r\n", false },
        { "GET / HTTQ/1.1\r\n", false },
        { "~x\n", false },
        { "\0\0\0\1", false },
        { "*1\r\n$4\r\nPING\r\n", false },
        { "PRI * HTTP/2.1\r\n\r\n", false },
        { "SSH-2.0-x\r\n", false },
    }

    for _, case in ipairs(HTTP) do
        test("HTTP or not: " .. case[1]:sub(1, 40):gsub("%c", "."), function()
            check.equal(http_start.version(case[1]), case[2])
        end)
    end

    -- only a real APISIX has the stream side
    local core = require("apisix.core")
    if core.table.try_read_attr(core.config.local_conf(), "apisix", "stream_proxy") then
        test("TLS whose first message is too large is closed, not taken for something else", function()
            writer.replace(mesh.of(
                named("any", { "*" }), mesh.listener("l", 80, "80", { inspect = { "tls", "http" } })))
            local hello = records(message(names("a.example") .. extension(21, ("\0"):rep(17000))), 16384)
            local function answer_to(text)
                local socket = ngx.socket.tcp()
                socket:settimeout(10000)
                assert(socket:connect("10.96.0.1", 80))
                socket:send(text)
                local _, err, partial = socket:receive("*l")
                socket:close()
                return partial or "", err
            end
            local answer, err = answer_to(hello)
            check.equal(answer, "")
            check.truthy(err == "closed" or err == "connection reset by peer", err)
        end)
    end
end
