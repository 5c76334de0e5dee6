-- What the plugin does with requests, seen from the client and from the endpoints.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local wait = require("wait")
local counters = ngx.shared.tests

local run = ngx.now() .. "-"
local number, case = 0, nil

-- One route for everything, with this plugin configuration, to three endpoints.
local function with_route(plugin, extra, upstream_extra)
    writer.replace(mesh.of(
        mesh.upstream("three", mesh.addresses, upstream_extra),
        mesh.upstream("one", { "127.1.0.1" }),
        mesh.upstream("two", { "127.1.0.2" }),
        mesh.upstream("none", {}),
        mesh.upstream("dead", { { "127.1.0.9", 1, 18099 } }),
        mesh.upstream("half", { { "127.1.0.9", 1, 18099 }, "127.1.0.1" }),
        mesh.virtual_host("v", "80", { "*" },
                          { { id = "r", plugin = plugin, upstream_id = extra and extra.upstream_id or "three" } }),
        mesh.listener("l", 0, "80")))
end

local function send(headers, request)
    number = number + 1
    case = run .. number
    request = request or {}
    request.headers = headers or {}
    request.headers["x-case"] = case
    return client.send(request)
end

-- How often each endpoint was reached by the last case.
local function reached()
    local total, by_address = 0, {}
    for i, address in ipairs(mesh.addresses) do
        by_address[i] = counters:get("reached/" .. case .. "/" .. address .. ":18080") or 0
        total = total + by_address[i]
    end
    return total, by_address
end

return function(test, check)
    test("weighted clusters share by chance", function()
        with_route({ clusters = { { upstream_id = "one", weight = 80 }, { upstream_id = "two", weight = 20 } } })
        local counts = { ["127.1.0.1:18080"] = 0, ["127.1.0.2:18080"] = 0 }
        local same_as_before, last = 0, nil
        for _ = 1, 400 do
            local by = client.send({}).seen.served_by
            counts[by] = counts[by] + 1
            same_as_before = same_as_before + (by == last and 1 or 0)
            last = by
        end
        check.share(counts["127.1.0.1:18080"], 400, 0.8)
        check.share(same_as_before, 399, 0.68, "no order in the sequence")
    end)

    test("no endpoints, no such cluster: 503", function()
        with_route({}, { upstream_id = "none" })
        check.equal(send().status, 503)
        with_route({ clusters = { { upstream_id = "absent", weight = 1 } } })
        local answer = send()
        check.equal(answer.status, 503)
        check.equal(answer.body, "no healthy upstream")
    end)

    test("a refused connection is 503, not nginx's 502", function()
        with_route({}, { upstream_id = "dead" })
        local answer = send()
        check.equal(answer.status, 503)
        check.truthy(answer.body:find("connection failure", 1, true))
        check.equal(answer.headers["content-type"], "text/plain")
    end)

    test("an endpoint's own 502 and 504 go through with their body", function()
        with_route({ retry = { on = { "connect-failure", "retriable-status-codes" }, statuses = { 503 }, num = 2 } })
        for _, status in ipairs({ 500, 502, 504, 404 }) do
            local answer = send({ ["x-answer-status"] = status })
            check.equal(answer.status, status)
            check.truthy(answer.seen, "body of " .. status)
            check.equal((reached()), 1)
        end
    end)

    test("a status of the policy is retried, at other hosts, and the last answer goes through", function()
        local retry = { on = { "retriable-status-codes" }, statuses = { 503 }, num = 2, previous_hosts = true,
                        host_attempts = 100 }
        with_route({ attempt_count = true, retry = retry })
        local answer = send({ ["x-answer-status"] = 503 })
        check.equal(answer.status, 503)
        check.equal(answer.seen.headers["x-envoy-attempt-count"], "3")
        local total, by_address = reached()
        check.equal(total, 3)
        check.equal(by_address, { 1, 1, 1 })

        for _, kind in ipairs({ "amesh_random", "amesh_least_request" }) do
            with_route({ retry = retry }, nil, { type = kind })
            for _ = 1, 5 do
                send({ ["x-answer-status"] = 503 })
                check.equal({ select(2, reached()) }, { { 1, 1, 1 } }, kind)
            end
        end
    end)

    test("a retry that succeeds answers for the request", function()
        with_route({ retry = { on = { "5xx" }, num = 3, previous_hosts = true, host_attempts = 100 } })
        for _ = 1, 12 do
            check.equal(send({ ["x-answer-status"] = 500, ["x-answer-only"] = "127.1.0.1:18080" }).status, 200)
        end
    end)

    test("more tries than hosts: hosts are tried again", function()
        with_route({ retry = { on = { "gateway-error" }, num = 4, previous_hosts = true, host_attempts = 100 } })
        check.equal(send({ ["x-answer-status"] = 502 }).status, 502)
        local total, by_address = reached()
        check.equal(total, 5)
        check.truthy(math.min(by_address[1], by_address[2], by_address[3]) >= 1, "all hosts used")
    end)

    test("a POST and its body are sent again", function()
        with_route({ retry = { on = { "5xx" }, num = 2 } }, { upstream_id = "one" })
        local answer = send({ ["x-answer-status"] = 503 }, { method = "POST", body = ("x"):rep(100000) })
        check.equal(answer.status, 503)
        check.equal(#answer.seen.body, 100000)
        check.equal((reached()), 3)
    end)

    test("statuses outside the policy are not retried, whatever else it has", function()
        for on, statuses in pairs({
            ["5xx"] = { [500] = 2, [511] = 2, [409] = 1, [429] = 1, [200] = 1 },
            ["gateway-error"] = { [502] = 2, [504] = 2, [500] = 1 },
            ["retriable-4xx"] = { [409] = 2, [404] = 1, [503] = 1 },
            ["connect-failure"] = { [503] = 1 },
            ["reset"] = { [503] = 1 },
        }) do
            with_route({ retry = { on = { on }, num = 1 } })
            for status, tries in pairs(statuses) do
                check.equal(send({ ["x-answer-status"] = status }).status, status)
                check.equal((reached()), tries, on .. " " .. status)
            end
        end
    end)

    test("a refused connection is retried elsewhere when the policy says so", function()
        for _, condition in ipairs({ "connect-failure", "reset-before-request", "gateway-error" }) do
            with_route({ retry = { on = { condition }, num = 2, previous_hosts = true, host_attempts = 100 } },
                       { upstream_id = "half" })
            for _ = 1, 10 do
                check.equal(send().status, 200)
            end
        end
        with_route({ retry = { on = { "retriable-status-codes" }, statuses = { 503 }, num = 2 } },
                   { upstream_id = "half" })
        local statuses = {}
        for _ = 1, 20 do
            statuses[send().status] = true
        end
        check.truthy(statuses[200] and statuses[503], "both hosts are seen")
    end)

    test("a reset is retried by 5xx and reset only", function()
        with_route({ retry = { on = { "reset" }, num = 2, previous_hosts = true, host_attempts = 100 } })
        check.equal(send({ ["x-answer-reset"] = "yes" }, { method = "POST", body = "x" }).status, 503)
        check.equal((reached()), 3)
        with_route({ retry = { on = { "connect-failure", "retriable-status-codes" }, statuses = { 503 }, num = 2 } })
        check.equal(send({ ["x-answer-reset"] = "yes" }, { method = "POST", body = "x" }).status, 503)
        check.equal((reached()), 1)
    end)

    test("retries wait with growing back-off", function()
        with_route({ retry = { on = { "5xx" }, num = 4, base_interval = 0.1, max_interval = 1 } })
        local total = 0
        for _ = 1, 3 do
            total = total + send({ ["x-answer-status"] = 503 }).seconds
        end
        -- expected 3 * (0.05 + 0.1 + 0.2 + 0.4); nothing at all would be below a tenth of that
        check.truthy(total > 0.3, "waited " .. total)
    end)

    test("the route's timeout answers 504 over all tries", function()
        with_route({ timeout = 0.5, retry = { on = { "5xx" }, num = 5, per_try_timeout = 0.2 } })
        local answer = send({ ["x-answer-after"] = "2" })
        check.equal(answer.status, 504)
        check.equal(answer.body, "upstream request timeout")
        check.truthy(answer.seconds > 0.4 and answer.seconds < 1.5, answer.seconds)
        check.equal((reached()), 3)
    end)

    test("a try's timeout alone is 504 as well", function()
        with_route({ retry = { on = { "connect-failure" }, num = 2, per_try_timeout = 0.2 } })
        local answer = send({ ["x-answer-after"] = "2" })
        check.equal(answer.status, 504)
        check.equal((reached()), 1)
    end)

    test("faults: a delay, an abort, and their shares", function()
        with_route({ fault = { delay = { seconds = 0.3, ppm = 1000000 } } })
        local answer = send()
        check.equal(answer.status, 200)
        check.truthy(answer.seconds >= 0.29, answer.seconds)

        with_route({ fault = { abort = { status = 418, ppm = 300000 } } })
        local aborted = 0
        for _ = 1, 200 do
            answer = send()
            if answer.status == 418 then
                check.equal(answer.body, "fault filter abort")
                aborted = aborted + 1
            end
        end
        check.share(aborted, 200, 0.3)

        with_route({ fault = { abort = { status = 503, ppm = 1000000 }, delay = { seconds = 0.2, ppm = 1000000 } } })
        answer = send()
        check.equal(answer.status, 503)
        check.truthy(answer.seconds >= 0.19, "the delay comes before the abort")
        with_route({ fault = { abort = { status = 503, ppm = 0 } } })
        check.equal(send().status, 200)
    end)

    test("faults that the request asks for, and only up to the configured share", function()
        with_route({ fault = { delay = { header_unit = 10000, ppm = 1000000 } } })
        check.truthy(send().seconds < 0.25, "nothing is asked for")
        check.truthy(send({ ["x-envoy-fault-delay-request"] = "300" }).seconds >= 0.29, "300 ms are asked for")
        check.truthy(send({ ["x-envoy-fault-delay-request"] = "300",
                            ["x-envoy-fault-delay-request-percentage"] = "0" }).seconds < 0.25, "for no request")

        with_route({ fault = { abort = { header_unit = 10000, ppm = 1000000 } } })
        check.equal(send().status, 200)
        check.equal(send({ ["x-envoy-fault-abort-request"] = "418" }).status, 418)
        check.equal(send({ ["x-envoy-fault-abort-request"] = "99" }).status, 200, "no status")
        local answer = send({ ["x-envoy-fault-abort-grpc-request"] = "7", ["content-type"] = "application/grpc" },
                            { method = "POST", body = "x" })
        check.equal(answer.headers["grpc-status"], "7")

        with_route({ fault = { abort = { header_unit = 10000, ppm = 0 } } })
        check.equal(send({ ["x-envoy-fault-abort-request"] = "418",
                           ["x-envoy-fault-abort-request-percentage"] = "100" }).status, 200,
                    "not above what is configured")
    end)

    test("faults for some requests, and for so many at a time", function()
        with_route({ fault = { when = { { "amesh_header_x-break", "==", "yes" } },
                               abort = { status = 418, ppm = 1000000 } } })
        check.equal(send().status, 200)
        check.equal(send({ ["x-break"] = "yes" }).status, 418)

        with_route({ fault = { max_active = 0, abort = { status = 418, ppm = 1000000 } } })
        check.equal(send().status, 200)
        with_route({ fault = { max_active = 1, abort = { status = 418, ppm = 1000000 } } })
        check.equal(send().status, 418)
        check.equal(send().status, 418, "one that is over counts no more")
    end)

    test("a slow answer", function()
        with_route({ fault = { rate = { kbps = 1, ppm = 1000000 } },
                     direct_response = { status = 200, body = ("x"):rep(2048) } })
        local answer = send()
        check.equal(#answer.body, 2048)
        check.truthy(answer.seconds > 0.9, answer.seconds)
    end)

    test("a cluster that is not there answers what the route says", function()
        with_route({ not_found_status = 500 }, { upstream_id = "none" })
        check.equal(send().status, 500)
        with_route({ clusters = { { upstream_id = "none", weight = 1, not_found_status = 404 } } })
        check.equal(send().status, 404)
        with_route({}, { upstream_id = "none" })
        check.equal(send().status, 503)
    end)

    test("an aborted gRPC request gets a gRPC status", function()
        with_route({ fault = { abort = { grpc_status = 14, ppm = 1000000 } } })
        local answer = send({ ["content-type"] = "application/grpc" }, { method = "POST", body = "x" })
        check.equal(answer.status, 200)
        check.equal(answer.headers["grpc-status"], "14")
        check.equal(answer.headers["grpc-message"], "fault filter abort")
        check.equal(send().body, "fault filter abort")
    end)

    test("the upstream sees Envoy's path, the raw query, and no more of X-Forwarded-For", function()
        with_route({})
        for sent, seen in pairs({
            ["/a%2Fb"] = "/a%2Fb",
            ["/x/../cart?q=/../x"] = "/cart?q=/../x",
            ["/%63art"] = "/cart",
            ["/a//b?"] = "/a//b?",
            ["/sp%20ace?a=%20b"] = "/sp%20ace?a=%20b",
        }) do
            check.equal(send({}, { path = sent }).seen.path, seen)
        end
        check.equal(send({ ["X-Forwarded-For"] = "1.2.3.4" }).seen.headers["x-forwarded-for"], "1.2.3.4")
        check.equal(send().seen.headers["x-forwarded-for"], nil)
    end)

    test("request headers: set, append, add if absent, overwrite if there, remove", function()
        with_route({ request_headers = {
            { op = "set", name = "X-Tenant", value = "acme" },
            { op = "append", name = "x-trace", value = "on" },
            { op = "add_if_absent", name = "x-absent", value = "1" },
            { op = "add_if_absent", name = "x-there", value = "2" },
            { op = "overwrite_if_exists", name = "x-there", value = "3" },
            { op = "overwrite_if_exists", name = "x-nowhere", value = "3" },
            { op = "remove", name = "X-Secret" },
        } })
        local headers = send({ ["x-tenant"] = "mine", ["x-trace"] = "off", ["x-there"] = "0",
                               ["x-secret"] = "s" }).seen.headers
        check.equal(headers["x-tenant"], "acme")
        check.equal(headers["x-trace"], { "off", "on" })
        check.equal(headers["x-absent"], "1")
        check.equal(headers["x-there"], "3")
        check.equal(headers["x-nowhere"], nil)
        check.equal(headers["x-secret"], nil)
        check.equal(send().seen.headers["x-trace"], "on")
    end)

    test("response headers, by cluster and by route", function()
        with_route({
            clusters = { { upstream_id = "one", weight = 1,
                           response_headers = { { op = "set", name = "x-cluster", value = "one" } } } },
            response_headers = { { op = "set", name = "x-served-by", value = "mesh" },
                                 { op = "append", name = "x-cluster", value = "again" },
                                 { op = "remove", name = "x-from-backend" } },
        })
        local headers = send().headers
        check.equal(headers["x-served-by"], "mesh")
        check.equal(headers["x-cluster"], "one|again")
        check.equal(headers["x-from-backend"], nil)
    end)

    test("rewrites of path and host", function()
        for _, one in ipairs({
            { { prefix = "/api/", to = "/" }, "/api/v2/items?x=1", "/v2/items?x=1" },
            { { prefix = "/api/", to = "/" }, "/api/a%2Fb", "/a%2Fb" },
            { { prefix = "/api", to = "" }, "/api//x", "//x" },
            { { path = "/replaced" }, "/exact?q=1", "/replaced?q=1" },
            { { regex = "^/user/(\\d+)/(.*)$", substitution = "/u/\\1?p=\\2" }, "/user/42/profile?y=1",
              "/u/42?p=profile?y=1" },
            { { regex = "^/user/(\\d+)/(.*)$", substitution = "/u/\\1" }, "/user/42", "/user/42" },
            { { regex = "a", substitution = "$1" }, "/a/a", "/$1/$1" },
            { { regex = ".*", substitution = "/v2" }, "/api?x=1", "/v2?x=1" },
            { { regex = "x*", substitution = "/" }, "/axb", "///a/b/" },
            { { regex = "^(/)(y)?", substitution = "\\1\\2\\\\" }, "/z", "/\\z" },
        }) do
            with_route({ rewrite = one[1] })
            check.equal(send({}, { path = one[2] }).seen.path, one[3])
        end
        with_route({ host_rewrite = { literal = "internal.shop" } })
        check.equal(send().seen.host, "internal.shop")
        with_route({ host_rewrite = { path_regex = "^/host/(.*)$", substitution = "\\1.shop" } })
        check.equal(send({}, { path = "/host/a" }).seen.host, "a.shop")
        with_route({ clusters = { { upstream_id = "one", weight = 1, host_rewrite = "of.cluster" } } })
        check.equal(send().seen.host, "of.cluster")
        with_route({ host_rewrite = { header = "x-host" } })
        check.equal(send({ ["x-host"] = "elsewhere" }).seen.host, "elsewhere")
        check.equal(send().seen.host, "reviews:9080")
    end)

    test("redirects", function()
        for _, one in ipairs({
            { { status = 301, host = "shop.example.com", path = "/new" }, "/old?a=1",
              "http://shop.example.com/new?a=1" },
            { { status = 308, scheme = "https", port = 8443 }, "/moved?x=1", "https://reviews:8443/moved?x=1" },
            { { status = 302, path = "%PREFIX()%/v2/" }, "/v1/?x=1", "http://reviews:9080/%PREFIX()%/v2/?x=1" },
            { { status = 302, rewrite = { prefix = "/v1", to = "/v2" } }, "/v1/a", "http://reviews:9080/v2/a" },
            { { status = 302, rewrite = { path = "/v2" } }, "/v1", "http://reviews:9080/v2" },
            { { status = 302, rewrite = { regex = "^/(.)1/(.*)$", substitution = "/\\2/\\1" } }, "/v1/a?b",
              "http://reviews:9080/a/v?b" },
            { { status = 302, path = "/a?own=1" }, "/v1?x=1", "http://reviews:9080/a?own=1" },
            { { status = 302, strip_query = true }, "/v1?x=1", "http://reviews:9080/v1" },
        }) do
            with_route({ redirect = one[1], response_headers = { { op = "set", name = "x-r", value = "1" } } })
            local answer = send({}, { path = one[2] })
            check.equal(answer.status, one[1].status)
            check.equal(answer.headers.location, one[3])
            check.equal(answer.headers["x-r"], "1")
        end
        with_route({ redirect = { status = 301, scheme = "https" } })
        check.equal(send({}, { host = "a:80", path = "/" }).headers.location, "https://a/")
    end)

    test("direct responses, to any method", function()
        with_route({ direct_response = { status = 200, body = "all good" } })
        local answer = send({}, { method = "POST", body = "x" })
        check.equal({ answer.status, answer.body, answer.headers["content-type"] }, { 200, "all good", "text/plain" })
        with_route({ direct_response = { status = 503 } })
        check.equal(send().status, 503)
        check.equal(send({}, { method = "HEAD" }).status, 503)
    end)

    test("the answer to a copy is read to its end, and not kept", function()
        local sock = ngx.socket.tcp()
        sock:settimeout(5000)
        check.truthy(sock:connect(mesh.addresses[1], 18080), "connected")
        sock:send("GET / HTTP/1.1\r\nHost: a\r\nx-answer-flood: 64\r\nConnection: close\r\n\r\n")
        collectgarbage()
        local before, most, ended = collectgarbage("count"), 0, false
        local watcher = ngx.thread.spawn(function()
            while not ended do
                most = math.max(most, collectgarbage("count") - before)
                ngx.sleep(0.001)
            end
        end)
        require("apisix.amesh.mirror").drain(sock)
        most = math.max(most, collectgarbage("count") - before)
        ended = true
        ngx.thread.wait(watcher)
        check.equal((select(2, sock:receive(1))), "closed", "after its end")
        check.truthy(most < 32 * 1024, "KiB kept at a time: " .. most)
    end)

    test("mirrors get a copy, by chance where a fraction is asked for", function()
        local function host_of_copy()
            return wait.until_holds(function()
                return counters:get("host/" .. case .. "/127.1.0.2:18080")
            end, "a copy")
        end

        with_route({ mirrors = { { upstream_id = "two", ppm = 1000000 } } }, { upstream_id = "one" })
        check.equal(send({}, { method = "POST", body = "copied" }).seen.served_by, "127.1.0.1:18080")
        check.equal(host_of_copy(), "reviews-shadow:9080")
        local _, by_address = reached()
        check.equal(by_address, { 1, 1, 0 })
        with_route({ mirrors = { { upstream_id = "two", ppm = 1000000, keep_host = true } } }, { upstream_id = "one" })
        send()
        check.equal(host_of_copy(), "reviews:9080")
        with_route({ mirrors = { { upstream_id = "two", ppm = 300000 } } }, { upstream_id = "one" })
        local cases = {}
        for index = 1, 100 do
            send()
            cases[index] = case
        end
        local function copies()
            local count = 0
            for _, one in ipairs(cases) do
                count = count + (counters:get("reached/" .. one .. "/127.1.0.2:18080") or 0)
            end
            return count
        end
        -- the last ones may still be under way
        wait.until_holds(function()
            return copies() > 12
        end, "a share of copies")
        check.share(copies(), 100, 0.3)
    end)

    test("CORS: preflight and actual requests, of allowed origins only", function()
        with_route({ cors = {
            allow_origins = { { exact = "https://example.com" }, { regex = "^(?:https://.*\\.example\\.org)\\z" } },
            allow_methods = "GET,POST", allow_headers = "x-user,content-type", expose_headers = "x-total",
            max_age = "86400", allow_credentials = true } })
        local preflight = { ["Access-Control-Request-Method"] = "POST" }
        preflight.Origin = "https://example.com"
        local answer = send(preflight, { method = "OPTIONS" })
        check.equal(answer.status, 200)
        check.equal(answer.seen, nil)
        check.equal(answer.headers["access-control-allow-origin"], "https://example.com")
        check.equal(answer.headers["access-control-allow-methods"], "GET,POST")
        check.equal(answer.headers["access-control-max-age"], "86400")
        preflight.Origin = "https://aXexample.org"
        answer = send(preflight, { method = "OPTIONS" })
        check.truthy(answer.seen, "not allowed: passed on")
        check.equal(answer.headers["access-control-allow-origin"], nil)
        answer = send({ Origin = "https://a.example.org" })
        check.equal(answer.headers["access-control-allow-origin"], "https://a.example.org")
        check.equal(answer.headers["access-control-expose-headers"], "x-total")
        check.equal(answer.headers["access-control-allow-methods"], nil)
        check.equal(send().headers["access-control-allow-origin"], nil)
    end)

    test("hash: one key goes to one endpoint, keys spread, none goes by chance", function()
        with_route({ hash = { { header = "x-user" } } }, nil, { type = "amesh_hash" })
        local used = {}
        for user = 1, 24 do
            local first = send({ ["x-user"] = user }).seen.served_by
            used[first] = true
            for _ = 1, 3 do
                check.equal(send({ ["x-user"] = user }).seen.served_by, first)
            end
        end
        check.truthy(used["127.1.0.1:18080"] and used["127.1.0.2:18080"] and used["127.1.0.3:18080"], "all used")
        used = {}
        for _ = 1, 40 do
            used[send().seen.served_by] = true
        end
        check.truthy(used["127.1.0.1:18080"] and used["127.1.0.2:18080"] and used["127.1.0.3:18080"], "all used")
    end)

    test("without hash balancing nobody is given a cookie; with it, one for each try", function()
        local conf = { hash = { { cookie = { name = "session", ttl = 60 } } },
                       retry = { on = { "5xx" }, num = 2 } }
        with_route(conf)
        check.equal(send().headers["set-cookie"], nil)
        with_route(conf, nil, { type = "amesh_hash" })
        local _, cookies = send({ ["x-answer-status"] = 503 }).headers["set-cookie"]:gsub("session=", "")
        check.equal(cookies, 3)
    end)

    -- outlier detection; each setting is a cluster of its own, so that no test sees the ejections of another
    local function with_outliers(settings, conf)
        with_route(conf or {}, nil, { labels = { amesh_outlier_detection = settings .. ",run=" .. ngx.now() } })
    end

    local FAILING = "127.1.0.1:18080"
    local function failing(status, count)
        local failures = 0
        for _ = 1, count do
            local answer = send({ ["x-answer-status"] = status, ["x-answer-only"] = FAILING })
            failures = failures + (answer.status == 200 and 0 or 1)
        end
        return failures
    end

    test("an endpoint that fails in a row is ejected, for all workers, and comes back", function()
        with_outliers("5xx=3,interval=1,base=1.5,max=300,percent=60,panic=0")
        check.equal(failing(500, 45), 3)
        check.equal(failing(500, 9), 0)
        ngx.sleep(1.6)
        check.truthy(failing(500, 9) > 0, "it is back")
    end)

    test("an answer between failures starts the count again; gateway errors count apart", function()
        local function alone(settings)
            writer.replace(mesh.of(
                mesh.upstream("alone", { "127.1.0.1" },
                              { labels = { amesh_outlier_detection = settings .. ",run=" .. ngx.now() } }),
                mesh.virtual_host("v", "80", { "*" }, { { id = "r", plugin = {}, upstream_id = "alone" } }),
                mesh.listener("l", 0, "80")))
        end
        alone("5xx=2,interval=10,base=30,max=300,percent=100,panic=0")
        for _, status in ipairs({ 500, 404, 500, 200, 500, 500 }) do
            check.equal(send({ ["x-answer-status"] = status }).status, status)
        end
        check.equal(send().status, 503)
        alone("gateway=2,interval=10,base=30,max=300,percent=100,panic=0")
        for _, status in ipairs({ 500, 500, 502, 500, 502, 504 }) do
            check.equal(send({ ["x-answer-status"] = status }).status, status)
        end
        check.equal(send().status, 503)
    end)

    test("no more endpoints are ejected than the share that may be", function()
        with_outliers("5xx=1,interval=10,base=30,max=300,percent=34,panic=0")
        for _ = 1, 30 do
            send({ ["x-answer-status"] = 503 })
        end
        local used, count = {}, 0
        for _ = 1, 40 do
            local by = send().seen.served_by
            count = count + (used[by] and 0 or 1)
            used[by] = true
        end
        check.equal(count, 2)
        with_outliers("5xx=1,interval=10,base=30,max=300,percent=33,panic=0")
        check.truthy(failing(503, 30) > 1, "one of three is more than 33 percent")
    end)

    test("all ejected is 503; with a panic threshold all are used again", function()
        with_outliers("5xx=1,interval=10,base=30,max=300,percent=100,panic=0")
        for _ = 1, 20 do
            send({ ["x-answer-status"] = 503 })
        end
        local answer = send()
        check.equal({ answer.status, answer.body }, { 503, "no healthy upstream" })
        with_outliers("5xx=1,interval=10,base=30,max=300,percent=100,panic=50")
        for _ = 1, 20 do
            send({ ["x-answer-status"] = 503 })
        end
        check.equal(send().status, 200)
    end)

    test("retries pass over ejected endpoints, and their failures count", function()
        with_outliers("5xx=1,interval=10,base=30,max=300,percent=60,panic=0", { retry = { on = { "5xx" }, num = 3 } })
        check.equal(failing(503, 12), 0)
        local answer = send({ ["x-answer-status"] = 503, ["x-answer-only"] = FAILING })
        check.equal(answer.status, 200)
        local _, by_address = reached()
        check.equal(by_address[1], 0)
        for _ = 1, 20 do
            send({ ["x-answer-reset"] = "yes", ["x-answer-only"] = "127.1.0.2:18080" }, { method = "POST", body = "x" })
        end
        check.equal((select(2, reached()))[1], 0, "a reset counts, but no more than 60 percent are ejected")
    end)

    test("hash by cookie gives a cookie to who has none", function()
        with_route({ hash = { { cookie = { name = "session", ttl = 60, path = "/" } } } }, nil, { type = "amesh_hash" })
        local answer = send()
        local cookie = answer.headers["set-cookie"]
        check.truthy(cookie and cookie:find('^session="%x+"; Max%-Age=60; Path=/; HttpOnly$'), cookie)
        local again = send({ cookie = cookie:match('session="%x+"') })
        check.equal(again.headers["set-cookie"], nil)
        check.equal(again.seen.served_by, answer.seen.served_by)
    end)

    test("requests one after the other spread over all endpoints, whatever the balancer", function()
        for _, kind in ipairs({ "roundrobin", "amesh_random", "amesh_least_request" }) do
            with_route({}, nil, { type = kind })
            local counts = {}
            for _ = 1, 90 do
                local by = send().seen.served_by
                counts[by] = (counts[by] or 0) + 1
            end
            for _, address in ipairs(mesh.addresses) do
                check.share(counts[address .. ":18080"] or 0, 90, 1 / 3, kind)
            end
        end
    end)

    test("nothing is left of requests that are over", function()
        with_route({ retry = { on = { "5xx" }, num = 2 } })
        for _ = 1, 5 do
            send({ ["x-answer-status"] = 503 })
        end
        wait.until_holds(function()
            return require("apisix.amesh.proxy").kept_count() == 0
        end, "the end of all requests")
    end)

    test("an original destination's cluster may take the address from a header, and another port", function()
        local function send_to(value)
            return client.send({ headers = { ["x-envoy-original-dst-host"] = value } })
        end

        with_route({ original_dst = true, original_dst_from = { header = "x-envoy-original-dst-host" } },
                   { upstream_id = false })
        check.equal(send_to("127.1.0.2:18080").seen.served_by, "127.1.0.2:18080")
        -- made to the gateway itself, so there is no other destination
        for _, value in ipairs({ "nonsense", "127.1.0.2", "127.1.0.2:0", "127.1.0.2:70000", "127.1.0.256:80",
                                 "a:80" }) do
            check.equal(send_to(value).status, 503, value)
        end

        with_route({ original_dst = true, original_dst_from = { header = "x-envoy-original-dst-host", port = 18080 } },
                   { upstream_id = false })
        check.equal(send_to("127.1.0.3:1").seen.served_by, "127.1.0.3:18080")
    end)
end
