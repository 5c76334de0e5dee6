-- TLS that ends here and has TCP in it: which clients get in, what they are shown, and what the endpoint hears.
local mesh, writer = require("mesh"), require("writer")
local raw, tools = require("raw_endpoint"), require("tls_tools")
local ngx = ngx

local as, authority, hears, identity, with = tools.as, tools.authority, tools.hears, tools.identity, tools.with

-- captured on its way to the workload
local INBOUND = "10.96.0.1:9000"
local ENDPOINT = "127.2.0.8:19000"


local function chain(tls, extra)
    return with({ name = "tcp", tls = tls, stream_route = "s" }, extra)
end

local function listener(chains, changes)
    return { "/listeners/l", with({ id = "l", name = "l", address = "0.0.0.0", port = 15006, bound = true,
                                    direction = "inbound", original_dst = "restore", inspect = { "tls" },
                                    chains = chains }, changes) }
end

local function commit(...)
    local proxy = { clusters = { { upstream_id = "u", weight = 1 } } }
    writer.replace(mesh.of(
        authority("ca", "mesh"), identity("workload", "workload"), identity("shop", "shop"),
        mesh.upstream("u", { { "127.2.0.8", 1, 19000 } }, { scheme = "tcp" }),
        { "/stream_routes/s", { id = "s", name = "s", plugins = { amesh = proxy } } }, ...))
    raw.heard()
end

local function inbound(tls, extra)
    commit(listener({ chain(with({ certificate = "workload", validation = "ca", require_client_certificate = true },
                                 tls)) }, extra))
end

local function talk(options, address)
    return tools.talk(address or INBOUND, ENDPOINT, options)
end

-- What comes back on a connection without TLS. One that was not read from before it was closed is reset.
local function plainly(text, address)
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    assert(socket:connect(address:match("^(.*):(%d+)$")))
    socket:send(text)
    local answer, err, partial = socket:receive("*a")
    socket:close()
    return answer or err ~= "timeout" and partial or "timeout"
end

-- A connection that stays, line by line.
local function connect(name)
    local socket = ngx.socket.tcp()
    socket:settimeout(5000)
    assert(socket:connect("10.96.0.1", 9000))
    -- of APISIX's runtime: sslhandshake shows no certificate there
    assert(socket:tlshandshake({ verify = false, client_cert = tools.read(name .. ".pem"),
                                 client_priv_key = tools.read(name .. ".key") }))
    return socket
end


return function(test, check)
    local all = "hello " .. ENDPOINT .. ", word, bye"

    test("a client whose certificate holds reaches the endpoint", function()
        inbound({ sans = { { type = "uri", exact = tools.spiffe .. "client-a" } } })
        for _, version in ipairs({ "-tls1_2", "-tls1_3" }) do
            check.equal(talk(version .. as("client-a")), all, version)
        end
        check.equal(raw.heard(), { ENDPOINT .. " a connection", ENDPOINT .. " word", ENDPOINT .. " bye",
                                   ENDPOINT .. " a connection", ENDPOINT .. " word", ENDPOINT .. " bye" })
    end)

    test("any other hears nothing, and the endpoint does not hear of it", function()
        inbound({ sans = { { type = "uri", exact = tools.spiffe .. "client-a" } } })
        for title, options in pairs({ none = "", ["another authority's"] = as("unknown"), ["run out"] = as("expired"),
                                      ["another name"] = as("client-b") }) do
            for _, version in ipairs({ "-tls1_2", "-tls1_3" }) do
                check.equal(talk(version .. options), "", title .. " " .. version)
            end
        end
        check.equal(raw.heard(), {})
    end)

    test("a bad certificate ends the handshake itself, a bad name the connection after it", function()
        inbound({ sans = { { type = "uri", exact = tools.spiffe .. "client-a" } } })
        local function alert(options)
            local _, output = talk("-tls1_2" .. options)
            return output:match("alert ([%w ]+)")
        end
        check.equal(alert(as("unknown")), "unknown ca")
        check.equal(alert(as("expired")), "certificate expired")
        check.equal(alert(""), "handshake failure")
        check.equal(alert(as("client-b")), nil)
    end)

    test("a certificate can be asked for and not required, and one that is shown must hold", function()
        inbound({ require_client_certificate = ngx.null })
        check.equal(talk(""), all)
        check.equal(talk(as("client-b")), all)
        check.equal(talk(as("unknown")), "")
    end)

    test("a secret that has not come lets nobody in", function()
        inbound({ validation = "nowhere" })
        check.equal(talk(as("client-a")), "")
        inbound({ certificate = "nowhere" })
        check.equal(talk(as("client-a")), "")
        check.equal(raw.heard(), {})
    end)

    test("what is not TLS gets nothing, whether the listener looks for it or not, captured or not", function()
        for _, text in ipairs({ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "word\n", "\0\1\2\3" }) do
            inbound()
            check.equal(plainly(text, INBOUND), "")
            inbound(nil, { inspect = ngx.null })
            check.equal(plainly(text, INBOUND), "")
            check.equal(talk(as("client-a")), all, "TLS gets in")
            check.equal(#raw.heard(), 3)

            -- a gateway's own port, with TCP and with HTTP inside
            commit(listener({ chain({ certificate = "shop" }) }, { port = 15001, original_dst = ngx.null,
                                                                    inspect = ngx.null }))
            check.equal(plainly(text, "127.0.0.1:15001"), "")
            check.equal(talk("", "127.0.0.1:15001"), all)
            commit(listener({ { name = "http", tls = { certificate = "shop" }, http = { route_config = "80" } } },
                            { port = 15001, original_dst = ngx.null, inspect = ngx.null }))
            check.equal(plainly(text, "127.0.0.1:15001"), "")
            check.equal(tools.subject("127.0.0.1:15001"), "O = shop")
        end
    end)

    test("at a gateway's own port TCP as it comes", function()
        commit(listener({ chain() }, { port = 15001, original_dst = ngx.null, inspect = ngx.null }))
        check.equal(plainly("word\nbye\n", "127.0.0.1:15001"), "hello " .. ENDPOINT .. "\nword\nbye\n")
    end)

    test("a gateway's certificate and chain by server name", function()
        local ssl = { id = "g", snis = { "shop.example" }, cert = tools.read("shop.pem"), key = tools.read("shop.key") }
        commit({ "/ssls/g", ssl }, listener({
            chain({ ssl = "g" }, { name = "shop", server_names = { "shop.example" } }),
            chain({ certificate = "workload" }, { name = "other", server_names = { "*.example" } }),
        }, { port = 15001, original_dst = ngx.null }))
        check.equal(tools.subject("127.0.0.1:15001", "-servername shop.example"), "O = shop")
        check.equal(tools.subject("127.0.0.1:15001", "-servername a.example"), "O = workload")
        check.equal(talk("-servername shop.example", "127.0.0.1:15001"), all)
        check.equal(talk("-servername elsewhere", "127.0.0.1:15001"), "")
    end)

    test("protocols: the first of the chain's that the client offers, none where they share none", function()
        local function negotiated(offered)
            local _, output = tools.subject(INBOUND, "-noservername" .. as("client-a")
                                                     .. (offered and "-alpn " .. offered or ""))
            return output:match("ALPN protocol: (%S+)") or (output:find("No ALPN negotiated", 1, true) and "none")
                   or "closed"
        end
        inbound({ alpn = { "istio-peer-exchange", "h2", "http/1.1" } })
        check.equal(negotiated("h2,istio-peer-exchange"), "istio-peer-exchange")
        check.equal(negotiated("istio,http/1.1,h2"), "h2")
        check.equal(negotiated("http/1.1"), "http/1.1")
        check.equal(negotiated("istio,amesh"), "none")
        check.equal(negotiated(), "none")
        check.equal(talk(as("client-a") .. "-alpn other"), all, "none is no hindrance")
        check.equal(talk("-tls1_2 -alpn h2" .. as("client-a")), all)
        inbound({ alpn = { "kuma" } })
        check.equal(negotiated("h2,kuma"), "kuma")
        check.equal(negotiated("h2"), "none")
        inbound()
        check.equal(negotiated("h2"), "none", "a chain that names none")
    end)

    test("a session is resumed with the protocol asked for, and with the authority it was made under", function()
        inbound({ alpn = { "kuma", "h2" }, max_version = "TLSv1.2" })
        local session = tools.folder .. "/../written/tcp-session"
        local resuming = "-tls1_2 -noservername" .. as("client-a")
        local _, output = tools.subject(INBOUND, resuming .. "-alpn kuma -sess_out " .. session)
        check.truthy(output:find("New, ", 1, true), output)
        _, output = tools.subject(INBOUND, resuming .. "-alpn h2 -sess_in " .. session)
        check.truthy(output:find("Reused, ", 1, true), output)
        check.equal(output:match("ALPN protocol: (%S+)"), "h2")
        writer.commit({ authority("ca", "stranger") })
        _, output = tools.subject(INBOUND, resuming .. "-alpn kuma -sess_in " .. session)
        check.truthy(not output:find("Reused, ", 1, true), output)
    end)

    test("rotation: open connections stay, and new ones see the new certificate and authority", function()
        inbound()
        local kept = connect("client-a")
        check.equal(kept:receive("*l"), "hello " .. ENDPOINT)
        for _, name in ipairs({ "client-b", "shop", "workload2" }) do
            writer.commit({ identity("workload", name) })
            check.equal(tools.subject(INBOUND, "-noservername" .. as("client-a")), "O = " .. name)
            check.truthy(hears(kept, "after " .. name))
        end
        writer.commit({ authority("ca", "stranger") })
        check.equal(talk(as("client-a")), "")
        check.equal(talk(as("unknown")), all)
        check.truthy(hears(kept, "after the authority"))
        writer.commit({}, { "/amesh_secrets/ca", "/amesh_secrets/workload" })
        check.equal(talk(as("unknown")), "")
        check.truthy(hears(kept, "after all"))
        kept:close()
    end)
end
