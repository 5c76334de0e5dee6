-- TLS of clients: which certificate they see, which of theirs holds, and what endpoints are told of them.
local mesh, writer = require("mesh"), require("writer")
local json = require("cjson.safe")
local tools = require("tls_tools")
local ngx = ngx

local as, authority, identity, subject = tools.as, tools.authority, tools.identity, tools.subject

local GATEWAY = "127.0.0.1:15443"
-- captured on its way to the workload
local INBOUND = "10.96.0.1:9080"


-- curl, whose answer's body is the endpoint's report. Returns { status, seen, version, output }.
local function curl(address, name, options)
    local target = name .. ":" .. address:match(":(%d+)$")
    local output = tools.shell("curl -s -k -m 10 --connect-to " .. target .. ":" .. address .. " -w '\\n%{http_code} "
                         .. "%{http_version} %{exitcode} %{errormsg}' " .. (options or "") .. " https://"
                          .. target .. "/x")
    local body, status, version = output:match("^(.*)\n(%d+) (%S+)")
    return { status = tonumber(status), version = version, output = output, seen = json.decode(body or "") }
end

local function listener(chains, extra)
    return { "/listeners/l", tools.with({ id = "l", name = "l", address = "0.0.0.0", port = 15443, bound = true,
                                          inspect = { "tls" }, chains = chains }, extra) }
end

local function chain(name, tls, extra, http)
    return tools.with({
        name = name,
        transport = "tls",
        tls = tls,
        http = tools.with({ route_config = "80", normalize_path = true }, http),
    }, extra)
end

local function commit(...)
    writer.replace(mesh.of(
        authority("ca", "mesh"), identity("workload", "workload"), identity("shop", "shop"),
        mesh.upstream("u", { { "127.2.0.7", 1, 18080 } }),
        mesh.virtual_host("v", "80", { "*" }, { { id = "r", upstream_id = "u" } }), ...))
end

local function inbound(tls, http)
    local all = tools.with({ certificate = "workload", validation = "ca", require_client_certificate = true }, tls)
    commit(listener({ chain("mtls", all, nil, http) }, { port = 15006, direction = "inbound",
                                                         original_dst = "restore" }))
end


return function(test, check)
    test("the server name decides the chain, and the chain the certificate", function()
        local ssl = { id = "s", snis = { "shop.example", "*.shop.example" }, cert = tools.read("shop.pem"),
                      key = tools.read("shop.key") }
        commit({ "/ssls/s", ssl }, listener({
            chain("shop", { ssl = "s" }, { server_names = { "shop.example", "*.shop.example" } }),
            chain("workload", { certificate = "workload" }, { server_names = { "workload.example" } }),
        }))
        check.equal(subject(GATEWAY, "-servername shop.example"), "O = shop")
        check.equal(subject(GATEWAY, "-servername a.shop.example"), "O = shop")
        check.equal(subject(GATEWAY, "-servername workload.example"), "O = workload")
        check.equal(curl(GATEWAY, "shop.example").status, 200)
        check.equal(curl(GATEWAY, "workload.example").status, 200)
        local _, output = subject(GATEWAY, "-servername other.example")
        check.truthy(not output:find("BEGIN CERT", 1, true), "closed: no chain takes it")
        _, output = subject(GATEWAY, "-noservername")
        check.truthy(not output:find("BEGIN CERT", 1, true), "closed: no name")
    end)

    test("ssl objects that are not the mesh's work beside it", function()
        commit({ "/ssls/own", { id = "own", snis = { "own.example" }, cert = tools.read("shop.pem"),
                                key = tools.read("shop.key") } })
        check.equal(subject(GATEWAY, "-servername own.example"), "O = shop")
        local _, output = subject(GATEWAY, "-servername other.example")
        check.truthy(not output:find("BEGIN CERT", 1, true))
    end)

    test("a client of the mesh gets in without a server name, and the endpoint is told who it is", function()
        inbound(nil, { forward_client_cert = "append_forward", client_cert_details = { "uri", "subject" } })
        check.equal(subject(INBOUND, "-noservername -cert client-a.pem -key client-a.key"), "O = workload")
        local answer = curl(INBOUND, "reviews", as("client-a"))
        check.equal(answer.status, 200, answer.output)
        local hash = tools.shell("openssl x509 -in client-a.pem -outform DER | sha256sum"):match("^%x+")
        check.equal(answer.seen.headers["x-forwarded-client-cert"],
                    "By=" .. tools.spiffe .. "workload;Hash=" .. hash .. ";Subject=\"O=client-a\";URI=" .. tools.spiffe
                    .. "client-a")
        check.equal(answer.seen.headers["x-forwarded-proto"], "https")
        check.equal(answer.seen.headers["x-forwarded-for"], nil, "a proxy beside its application says nothing")
        check.equal(answer.seen.headers["x-forwarded-host"], nil)
    end)

    test("who has no certificate that holds gets nothing", function()
        inbound()
        for title, options in pairs({ none = "", ["another authority's"] = as("unknown"),
                                      ["run out"] = as("expired") }) do
            local answer = curl(INBOUND, "reviews", options)
            check.equal(answer.status, 0, title)
        end
    end)

    test("who has none of the names gets nothing", function()
        inbound({ sans = { { type = "uri", exact = tools.spiffe .. "client-a" } } })
        check.equal(curl(INBOUND, "reviews", as("client-a")).status, 200)
        check.equal(curl(INBOUND, "reviews", as("client-b")).status, 0)
        inbound({ sans = { { type = "uri", prefix = "spiffe://cluster.local/" } } })
        check.equal(curl(INBOUND, "reviews", as("client-b")).status, 200)
    end)

    test("a certificate can be asked for and not required", function()
        inbound({ require_client_certificate = ngx.null }, { forward_client_cert = "sanitize_set" })
        local answer = curl(INBOUND, "reviews", "-H 'x-forwarded-client-cert: URI=forged'")
        check.equal(answer.status, 200)
        check.equal(answer.seen.headers["x-forwarded-client-cert"], nil, "a forged one is removed")
        check.equal(curl(INBOUND, "reviews", as("unknown")).status, 0, "but one that is shown must hold")
    end)

    test("x-forwarded-client-cert as each mode has it", function()
        local forged = as("client-a") .. "-H 'x-forwarded-client-cert: URI=forged'"
        local function seen(mode, options)
            inbound(nil, { forward_client_cert = mode, client_cert_details = { "uri" } })
            local value = curl(INBOUND, "reviews", options or forged).seen.headers["x-forwarded-client-cert"]
            return value and value:gsub("Hash=%x+", "Hash")
        end
        local own = "By=" .. tools.spiffe .. "workload;Hash;URI=" .. tools.spiffe .. "client-a"
        check.equal(seen(nil), nil, "nothing said")
        check.equal(seen("sanitize"), nil)
        check.equal(seen("forward_only"), "URI=forged")
        check.equal(seen("always_forward_only"), "URI=forged")
        check.equal((seen("append_forward")), "URI=forged," .. own)
        check.equal((seen("sanitize_set")), own)
        check.equal((seen("append_forward", as("client-a"))), own)
    end)

    test("routes can ask who the client is", function()
        inbound({ require_client_certificate = ngx.null })
        local function answering(id, ...)
            return { id = id, vars = { ... }, plugin = { direct_response = { status = 200, body = id } } }
        end
        local hash = tools.shell("openssl x509 -in names.pem -outform DER | sha256sum"):match("^%x+")
        writer.commit(mesh.virtual_host("v", "80", { "*" }, {
            answering("both", { "amesh_peer_fingerprint", "==", hash }, { "amesh_peer_dns", "==", "a.example" }),
            answering("uri", { "amesh_peer_uri", "==", tools.spiffe .. "client-a" }),
            answering("subject", { "amesh_peer_subject", "==", "O=client-b" }),
            answering("shown", { "amesh_peer_certificate", "~~", "^-----BEGIN CERTIFICATE-----" }),
            answering("nobody"),
        }))
        for options, route in pairs({ [as("names")] = "both", [as("client-a")] = "uri", [as("client-b")] = "subject",
                                      [as("workload")] = "shown", [""] = "nobody" }) do
            local forged = options .. " -H 'x-forwarded-client-cert: URI=" .. tools.spiffe .. "client-a'"
            check.equal(curl(INBOUND, "reviews", forged).output:match("^%a+"), route)
        end
    end)

    test("plain text where the chain wants TLS gets nothing", function()
        inbound()
        local plain = "curl -s -m 5 -o /dev/null -w '%{http_code}' http://"
        check.equal(tools.shell(plain .. "10.96.0.1:9080/x"), "000")
        commit(listener({ chain("mtls", { certificate = "workload", validation = "ca" }) }, { port = 15080 }))
        check.equal(tools.shell(plain .. "127.0.0.1:15080/x"), "000", "directly")
    end)

    test("protocols: HTTP/2 and HTTP/1.1 where the chain offers them, none where nothing is shared", function()
        local function negotiated(offered)
            local _, output = subject(GATEWAY, "-servername x -alpn " .. offered)
            return output:match("ALPN protocol: (%S+)") or (output:find("No ALPN negotiated", 1, true) and "none")
                   or "closed"
        end
        commit(listener({ chain("c", { certificate = "workload", alpn = { "h2", "http/1.1" } }) }))
        check.equal(negotiated("h2,http/1.1"), "h2")
        check.equal(negotiated("istio-http/1.1,istio,http/1.1"), "http/1.1")
        check.equal(negotiated("istio-h2,istio"), "none")
        check.equal(curl(GATEWAY, "x", "--http2").version, "2")
        check.equal(curl(GATEWAY, "x", "--http1.1").version, "1.1")
        check.equal(curl(GATEWAY, "x", "--no-alpn").status, 200)
        commit(listener({ chain("c", { certificate = "workload", alpn = { "http/1.1" } }) }))
        check.equal(negotiated("h2"), "none")
        check.equal(curl(GATEWAY, "x", "--http2").version, "1.1")
        check.equal(curl(GATEWAY, "x", "--http2").status, 200)
    end)

    test("versions of TLS as the chain has them", function()
        local function version(options)
            local _, output = subject(GATEWAY, "-servername x " .. options)
            return output:match("Protocol *: (%S+)") or output:match("New, (TLSv[%d.]+)")
        end
        commit(listener({ chain("c", { certificate = "workload", max_version = "TLSv1.2" }) }))
        check.equal(version(""), "TLSv1.2")
        commit(listener({ chain("c", { certificate = "workload", min_version = "TLSv1.3" }) }))
        check.equal(version(""), "TLSv1.3")
        local answer = curl(GATEWAY, "x", "--tls-max 1.2")
        check.equal(answer.status, 0)
    end)

    test("a secret that has not come costs its own handshakes alone", function()
        commit(listener({
            chain("gone", { certificate = "nowhere" }, { server_names = { "gone.example" } }),
            chain("there", { certificate = "workload" }, { server_names = { "there.example" } }),
        }))
        check.equal(curl(GATEWAY, "gone.example").status, 0)
        check.equal(curl(GATEWAY, "there.example").status, 200)
    end)

    test("a session is not resumed where another authority or chain decides", function()
        inbound({ max_version = "TLSv1.2" })
        local session = tools.folder .. "/../written/session"
        local with = " -tls1_2 -noservername -cert client-a.pem -key client-a.key"
        local _, first = subject(INBOUND, with .. " -sess_out " .. session)
        check.truthy(first:find("New, ", 1, true), first)
        local _, again = subject(INBOUND, with .. " -sess_in " .. session)
        check.truthy(again:find("Reused, ", 1, true), "the same chain: " .. again)
        writer.commit({ authority("ca", "stranger") })
        local _, other = subject(INBOUND, with .. " -sess_in " .. session)
        check.truthy(not other:find("Reused, ", 1, true), other)
    end)

    test("rotation: the next handshake shows the new one, no request fails and no connection is dropped", function()
        inbound({ validation = ngx.null, require_client_certificate = ngx.null })
        local stop, bad, sent, threads = false, {}, 0, {}
        -- connections that stay, and new ones all the time
        local kept = ngx.socket.tcp()
        kept:settimeout(10000)
        assert(kept:connect("10.96.0.1", 9080))
        assert(kept:sslhandshake(nil, nil, false))
        local function ask(sock)
            sock:send("GET /x HTTP/1.1\r\nHost: reviews\r\n\r\n")
            local line = sock:receive("*l")
            local length
            repeat
                local header, err = sock:receive("*l")
                length = header and tonumber(header:lower():match("^content%-length: (%d+)")) or length
                if not header then
                    return err
                end
                local chunked = header:lower() == "transfer-encoding: chunked"
                length = chunked and "chunked" or length
            until header == ""
            if length == "chunked" then
                repeat
                    local size = tonumber(sock:receive("*l") or "", 16)
                    sock:receive((size or 0) + 2)
                until not size or size == 0
            else
                sock:receive(length or 0)
            end
            return line
        end
        check.equal(ask(kept), "HTTP/1.1 200 OK")
        for index = 1, 4 do
            threads[index] = ngx.thread.spawn(function()
                while not stop do
                    local sock = ngx.socket.tcp()
                    sock:settimeout(10000)
                    local ok, err = sock:connect("10.96.0.1", 9080)
                    ok, err = ok and sock:sslhandshake(nil, nil, false), err
                    local line = ok and ask(sock)
                    sent = sent + 1
                    if line ~= "HTTP/1.1 200 OK" then
                        bad[#bad + 1] = tostring(line or err)
                    end
                    sock:close()
                end
            end)
        end
        local shown = {}
        for round = 1, 6 do
            local name = ({ "client-a", "client-b", "workload" })[round % 3 + 1]
            writer.commit({ identity("workload", name) })
            shown[#shown + 1] = subject(INBOUND, "-noservername") == "O = " .. name
            check.equal(ask(kept), "HTTP/1.1 200 OK", "on the connection that was there before")
        end
        stop = true
        for _, thread in ipairs(threads) do
            ngx.thread.wait(thread)
        end
        kept:close()
        check.equal(bad, {}, "failed of " .. sent)
        check.equal(shown, { true, true, true, true, true, true })
    end)

    test("connections to the application come from the address that the chain says", function()
        inbound(nil, { bind_source = "127.0.0.6" })
        check.equal(curl(INBOUND, "reviews", as("client-a")).seen.client, "127.0.0.6")
        writer.commit({ mesh.upstream("u", { { "127.2.0.7", 1, 18080 } },
                                      { labels = { amesh_bind_source = "127.0.0.7" } }) })
        check.equal(curl(INBOUND, "reviews", as("client-a")).seen.client, "127.0.0.7", "the cluster's own")
        inbound()
        check.equal(curl(INBOUND, "reviews", as("client-a")).seen.client, "127.0.0.1")
    end)

    test("an edge proxy tells where the client is, and believes no one else", function()
        local function seen(http, options)
            commit(listener({ chain("c", { certificate = "workload" }, nil, http) }))
            local headers = curl(GATEWAY, "x", options).seen.headers
            return { headers["x-forwarded-for"] or "-", headers["x-forwarded-proto"] or "-",
                     headers["x-envoy-external-address"] or "-" }
        end
        local sent = "-H 'x-forwarded-for: 1.2.3.4, 5.6.7.8' -H 'x-forwarded-proto: http'"
        check.equal(seen({ use_remote_address = true }), { "127.0.0.1", "https", "127.0.0.1" })
        check.equal(seen({ use_remote_address = true }, sent), { "1.2.3.4, 5.6.7.8,127.0.0.1", "https", "127.0.0.1" })
        check.equal(seen({ use_remote_address = true, xff_num_trusted_hops = 1 }, sent),
                    { "1.2.3.4, 5.6.7.8,127.0.0.1", "http", "5.6.7.8" })
        check.equal(seen({ use_remote_address = true, skip_xff_append = true }, sent),
                    { "1.2.3.4, 5.6.7.8", "https", "127.0.0.1" })
        check.equal(seen({}, sent), { "1.2.3.4, 5.6.7.8", "http", "-" })
        check.equal(seen({}), { "-", "https", "-" })
    end)
end
