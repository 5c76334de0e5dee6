-- Who is let through by whom the certificate says that he is, to TCP and to HTTP; and TCP connections by what else is
-- known of them.
local mesh, writer = require("mesh"), require("writer")
local raw, tools = require("raw_endpoint"), require("tls_tools")
local ngx = ngx

local as, authority, identity = tools.as, tools.authority, tools.identity

-- captured on its way to the workload
local INBOUND = "10.96.0.1:9000"
local ENDPOINT = "127.2.0.8:19000"
local ANY = { any = true }
local MUTUAL = { certificate = "workload", validation = "ca", require_client_certificate = true }
local ALL = "hello " .. ENDPOINT .. ", word, bye"


local function rbac(action, permission, principal)
    return { type = "rbac", name = "rbac", action = action,
             policies = { { name = "p", permissions = { permission }, principals = { principal } } } }
end

local function named(name)
    return { principal = { exact = tools.spiffe .. name } }
end

local function commit(chain)
    local proxy = { clusters = { { upstream_id = "u", weight = 1 } } }
    writer.replace(mesh.of(
        authority("ca", "mesh"), identity("workload", "workload"),
        mesh.upstream("u", { { "127.2.0.8", 1, 19000 } }, { scheme = "tcp" }),
        { "/stream_routes/s", { id = "s", name = "s", plugins = { amesh = proxy } } },
        mesh.virtual_host("v", "80", { "*" }, {
            { id = "r", plugin = { direct_response = { status = 200, body = "let through" } } },
        }),
        { "/listeners/l", { id = "l", name = "l", address = "0.0.0.0", port = 15006, bound = true,
                            direction = "inbound", original_dst = "restore", inspect = { "tls" },
                            chains = { chain } } }))
    raw.heard()
end

local function tcp(filters, tls)
    commit({ name = "tcp", tls = tls, stream_route = "s", network_filters = filters })
end

local function talk(options)
    return (tools.talk(INBOUND, ENDPOINT, options))
end

-- Whether the endpoint answers on a connection without TLS.
local function is_served()
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    assert(socket:connect("10.96.0.1", 9000))
    socket:send("word\nbye\n")
    local answer, err, partial = socket:receive("*a")
    socket:close()
    assert(answer or err ~= "timeout")
    return (answer or partial or "") ~= ""
end

local function status_of(options)
    return tools.shell("curl -s -k -m 10 -o /dev/null -w '%{http_code}' --connect-to a.test:9000:" .. INBOUND
                       .. options .. " https://a.test:9000/x")
end


return function(test, check)
    test("TCP inside TLS: whom a policy allows, and nobody else", function()
        tcp({ rbac("allow", ANY, named("client-a")) }, MUTUAL)
        check.equal(talk(as("client-a")), ALL)
        raw.heard()
        check.equal(talk(as("client-b")), "")
        check.equal(raw.heard(), {}, "the endpoint does not hear of it")
    end)

    test("TCP inside TLS: whom a policy denies, and nobody else", function()
        tcp({ rbac("deny", ANY, named("client-a")) }, MUTUAL)
        check.equal(talk(as("client-a")), "")
        check.equal(talk(as("client-b")), ALL)
    end)

    test("TCP inside TLS: nobody without a certificate is somebody", function()
        local asked = { certificate = "workload", validation = "ca" }
        tcp({ rbac("allow", ANY, { principal = { prefix = "spiffe://" } }) }, asked)
        check.equal(talk(""), "")
        check.equal(talk(as("client-b")), ALL)
        tcp({ rbac("allow", ANY, { tls = true }) }, asked)
        check.equal(talk(""), ALL, "but he has TLS")
    end)

    test("TCP inside TLS: the server name", function()
        tcp({ rbac("allow", { server_name = { exact = "a.test" } }, ANY) }, MUTUAL)
        check.equal(talk("-servername a.test" .. as("client-a")), ALL)
        check.equal(talk("-servername b.test" .. as("client-a")), "")
    end)

    test("plain TCP: addresses and ports, as the connection was made", function()
        for title, case in pairs({
            ["its port"] = { { target_port = { 9000, 9001 } }, true },
            ["the captured port"] = { { target_port = { 15006, 15007 } }, false },
            ["its address"] = { { target_ip = { "10.96.0.1/32" } }, true },
            ["another address"] = { { target_ip = { "10.96.0.2/32" } }, false },
            ["its peer"] = { { direct_ip = { "10.96.0.1/32" } }, true },
            ["not its peer"] = { { direct_ip = { "127.0.0.0/8" } }, false },
            ["no TLS"] = { { tls = true }, false },
            ["no name"] = { { principal = { exact = "" } }, false },
            ["no header"] = { { header = "x", present = true }, false },
            ["no path"] = { { path = { prefix = "" } }, false },
            ["no metadata"] = { { metadata = { filter = "x", path = { "y" }, value = { present = true } } }, false },
        }) do
            tcp({ rbac("allow", case[1], case[1]) })
            check.equal(is_served(), case[2], title)
            tcp({ rbac("deny", case[1], case[1]) })
            check.equal(is_served(), not case[2], title .. ", denied")
        end
    end)

    test("plain TCP: what cannot be carried out refuses, and one filter that refuses is enough", function()
        local yes = rbac("log", ANY, ANY)
        tcp({ yes, yes })
        check.truthy(is_served())
        for title, bad in pairs({
            refused = { type = "refused", name = "x", reason = "a test" },
            ["of no kind"] = { type = "of no kind", name = "x" },
            ["without policies"] = { type = "rbac", name = "x", action = "deny" },
            unknown = rbac("deny", { unknown = "a test" }, ANY),
        }) do
            tcp({ yes, bad })
            check.equal(is_served(), false, title)
        end
    end)

    test("HTTP: by the client's name, in filters of requests and of connections", function()
        local function http(filters, network_filters)
            commit({ name = "http", tls = MUTUAL, network_filters = network_filters,
                     http = { route_config = "80", normalize_path = true, filters = filters } })
        end
        http({ rbac("allow", { path = { exact = "/x" } }, named("client-a")) })
        check.equal(status_of(as("client-a")), "200")
        check.equal(status_of(as("client-b")), "403")
        http(nil, { rbac("allow", ANY, named("client-a")) })
        check.equal(status_of(as("client-a")), "200")
        check.equal(status_of(as("client-b")), "000", "closed")

        http({ { type = "rbac", name = "x", matcher = {
            list = { { when = { input = "uri_san", is = { exact = tools.spiffe .. "client-a" } },
                       on = { action = "allow", name = "a" } } },
            otherwise = { action = "deny", name = "rest" },
        } } })
        check.equal(status_of(as("client-a")), "200")
        check.equal(status_of(as("client-b")), "403")
    end)
end
