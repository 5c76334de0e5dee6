-- What Envoy's permissions and principals mean, without a request; then filters in a request's way.
local policies = require("apisix.amesh.access.policies")
local mesh, writer, client = require("mesh"), require("writer"), require("client")

local ANY = { any = true }
local NOBODY_CAN_TELL = { unknown = "a test" }

-- What is known of a request that is all in a table.
local view = {}
function view.header(request, name) return request.headers and request.headers[name] end
function view.path(request) return request.path end
function view.metadata(request, namespace) return request.metadata and request.metadata[namespace] end
function view.destination_ip(request) return request.to or "127.0.2.1" end
function view.destination_port(request) return request.port or 8000 end
function view.direct_ip(request) return request.from or "127.0.1.1" end
function view.remote_ip(request) return request.client or view.direct_ip(request) end
function view.server_name(request) return request.sni or "" end
function view.is_tls(request) return request.tls or request.peer ~= nil end
function view.peer(request) return request.peer end
function view.subject(peer) return peer.subject or "" end

local function client_named(...)
    local names = {}
    for index, value in ipairs({ ... }) do
        names[index] = { type = value:find("^spiffe:") and "uri" or "dns", value = value }
    end
    return { names = names, subject = "CN=who" }
end

local function allowing(permission, principal)
    return { action = "allow", policies = { { name = "p", permissions = { permission }, principals = {
        principal or ANY } } } }
end

local function denying(permission, principal)
    return { action = "deny", policies = { { name = "p", permissions = { permission }, principals = {
        principal or ANY } } } }
end

-- A table of requests that a condition holds for, and one of those that it does not.
local function holds_for(check, condition, good, bad)
    for index, request in ipairs(good) do
        check.equal((policies.decide(allowing(condition), view, request)), true,
            "number " .. index .. " that it holds for")
        check.equal((policies.decide(denying(condition), view, request)), false, "number " .. index .. ", denied")
    end
    for index, request in ipairs(bad) do
        check.equal((policies.decide(allowing(condition), view, request)), false,
            "number " .. index .. " that it does not")
        check.equal((policies.decide(denying(condition), view, request)), true, "number " .. index .. ", not denied")
    end
end

local function with(headers)
    return { headers = headers }
end

local function left(value)
    return { metadata = { jwt = { payload = { it = value } } } }
end

local function one_policy(name, permission)
    return { name = name, permissions = { permission }, principals = { ANY } }
end

return function(test, check)
    test("texts", function()
        holds_for(check, { path = { exact = "/a" } }, { { path = "/a" } }, { { path = "/A" }, { path = "/ab" }, {} })
        holds_for(check, { path = { exact = "/A", ignore_case = true } }, { { path = "/a" } }, { { path = "/ab" } })
        holds_for(check, { path = { prefix = "/a" } }, { { path = "/a" }, { path = "/ab" } }, { { path = "/b/a" } })
        holds_for(check, { path = { suffix = "/a" } }, { { path = "/b/a" } }, { { path = "/a/b" }, { path = "a" } })
        holds_for(check, { path = { suffix = "" } }, { { path = "/b/a" } }, { {} })
        holds_for(check, { path = { contains = ".." } }, { { path = "/a..b" } }, { { path = "/axxb" } })
        holds_for(check, { path = { regex = "^(?:/[a-z]+)\\z" } }, { { path = "/ab" } }, { { path = "/ab\n" }, {
            path = "/1" } })
    end)

    test("headers: absent ones match nothing, inverted or not", function()
        holds_for(check, { header = "x", is = { exact = "1" } }, { with({ x = "1" }) }, { with({ x = "2" }), {} })
        holds_for(check, { header = "x", is = { exact = "1" }, invert = true }, { with({ x = "2" }) }, { with({
            x = "1" }), {} })
        holds_for(check, { header = "x", is = { exact = "1" }, invert = true, missing_as_empty = true },
                  { with({ x = "2" }), {} }, { with({ x = "1" }) })
        holds_for(check, { header = "x", present = true }, { with({ x = "" }) }, { {} })
        holds_for(check, { header = "x", present = false }, { {} }, { with({ x = "" }) })
        holds_for(check, { header = "x", present = true, invert = true }, { {} }, { with({ x = "" }) })
        holds_for(check, { header = "x", from = -1, to = 10 }, { with({ x = "9" }), with({ x = "-1" }) },
                  { with({ x = "10" }), with({ x = "9x" }), with({ x = "" }), {} })
    end)

    test("addresses and ports", function()
        holds_for(check, { direct_ip = { "127.0.0.0/16" } }, { {}, { from = "127.0.9.9" } }, { {
            from = "127.1.0.1" }, { from = "::1" } })
        holds_for(check, { direct_ip = { "0.0.0.0/0" } }, { {} }, { { from = "::1" } })
        holds_for(check, { direct_ip = { "10.0.0.1/32", "fd00::/8" } }, { { from = "10.0.0.1" }, {
            from = "fd00::7" } }, { { from = "10.0.0.2" } })
        holds_for(check, { remote_ip = { "10.0.0.0/8" } }, { { client = "10.1.1.1" } }, { {} })
        holds_for(check, { target_ip = { "127.0.2.0/24" } }, { {} }, { { to = "127.0.3.1" } })
        holds_for(check, { target_port = { 8000, 8001 } }, { {} }, { { port = 7999 }, { port = 8001 } })
        holds_for(check, { server_name = { suffix = ".test" } }, { { sni = "a.test" } }, { { sni = "a.org" }, {} })
    end)

    test("the client: its URI names, its DNS names, its subject; nobody without TLS", function()
        local me = { principal = { exact = "spiffe://a/me" } }
        holds_for(check, me, { { peer = client_named("spiffe://a/me") }, { peer = client_named("spiffe://a/you",
            "spiffe://a/me") } },
                  { {}, { tls = true }, { peer = client_named("spiffe://a/me/too") } })
        holds_for(check, { principal = { exact = "me.test" } }, { { peer = client_named("spiffe://a/you",
            "me.test") } }, { {} })
        holds_for(check, { principal = { exact = "CN=who" } }, { { peer = client_named() }, {
            peer = client_named("spiffe://a/me") } }, { {} })
        holds_for(check, { principal = { exact = "" } }, { { tls = true } }, { {} })
        holds_for(check, { tls = true }, { { tls = true } }, { {} })
        holds_for(check, { ["not"] = me }, { {}, { peer = client_named("spiffe://a/you") } }, { {
            peer = client_named("spiffe://a/me") } })
        holds_for(check, { peer_uris = { exact = "spiffe://a/1,spiffe://a/2" } }, { {
            peer = client_named("spiffe://a/1", "spiffe://a/2") } },
                  { {}, { peer = client_named("spiffe://a/1") } })
    end)

    test("metadata: values have a kind", function()
        local function at(value, invert)
            return { metadata = { filter = "jwt", path = { "payload", "it" }, value = value, invert = invert } }
        end
        holds_for(check, at({ text = { exact = "1" } }), { left("1") }, { left(1), left({ "1" }), {}, { metadata = {
            jwt = { payload = "x" } } } })
        holds_for(check, at({ text = { exact = "1" } }, true), { left("2"), {} }, { left("1") })
        holds_for(check, at({ one_of = { text = { exact = "1" } } }), { left({ "0", "1" }) }, { left("1"), left({}),
            {} })
        holds_for(check, at({ any = { { one_of = { text = { exact = "1" } } }, { text = { exact = "1" } } } }), {
            left("1"), left({ "1" }) }, { left("2") })
        holds_for(check, at({ bool = false }), { left(false) }, { left(true), left("false"), {} })
        holds_for(check, at({ null = true }), { left(ngx.null) }, { left(false), {} })
        holds_for(check, at({ exact = 1.5 }), { left(1.5) }, { left("1.5") })
        holds_for(check, at({ from = 1, to = 2 }), { left(1) }, { left(2), left("1") })
        holds_for(check, at({ present = true }), { left(false), left(ngx.null) }, { {} })
        holds_for(check, at({ present = false }), {}, { left(1), {} })
    end)

    test("sets", function()
        local a, b = { header = "a", present = true }, { header = "b", present = true }
        holds_for(check, { ["and"] = { a, b } }, { with({ a = "", b = "" }) }, { with({ a = "" }), with({ b = "" }) })
        holds_for(check, { ["or"] = { a, b } }, { with({ a = "" }), with({ b = "" }) }, { {} })
        holds_for(check, { ["not"] = { ["or"] = { a, b } } }, { {} }, { with({ b = "" }) })
    end)

    test("what cannot be told lets nobody through, and denies nobody whom the rest does not mean", function()
        local a = { header = "a", present = true }
        local both = { ["and"] = { NOBODY_CAN_TELL, a } }
        local either = { ["or"] = { NOBODY_CAN_TELL, a } }
        for title, case in pairs({
            ["allow, unknown"] = { allowing(NOBODY_CAN_TELL), {}, false },
            ["deny, unknown"] = { denying(NOBODY_CAN_TELL), {}, false },
            ["deny, not unknown"] = { denying({ ["not"] = NOBODY_CAN_TELL }), {}, false },
            ["allow, not unknown"] = { allowing({ ["not"] = NOBODY_CAN_TELL }), {}, false },
            ["allow, unknown principal"] = { allowing(ANY, NOBODY_CAN_TELL), {}, false },
            ["deny, unknown principal"] = { denying(ANY, NOBODY_CAN_TELL), {}, false },
            ["deny, the rest does not hold"] = { denying(both), {}, true },
            ["deny, the rest holds"] = { denying(both), with({ a = "" }), false },
            ["allow, the rest holds"] = { allowing(both), with({ a = "" }), false },
            ["allow, one is enough"] = { allowing(either), with({ a = "" }), true },
            ["allow, one that is not"] = { allowing(either), {}, false },
            ["an expression that gives up, allow"] = { allowing({ path = { regex = "^(?:(?:a+)+[bc])\\z" } }), {
                path = ("a"):rep(60) }, false },
            ["an expression that gives up, deny"] = { denying({ path = { regex = "^(?:(?:a+)+[bc])\\z" } }), {
                path = ("a"):rep(60) }, false },
        }) do
            check.equal((policies.decide(case[1], view, case[2])), case[3], title)
        end
    end)

    test("actions, and which policy is told", function()
        local a, b = { header = "a", present = true }, { header = "b", present = true }
        local rules = { one_policy("first", a), one_policy("second", b) }
        local function decided(filter, headers)
            local allowed, name = policies.decide(filter, view, with(headers))
            return (allowed and "allowed" or "denied") .. " " .. (name or "")
        end
        check.equal(decided({ action = "deny", policies = rules }, { b = "" }), "denied second")
        check.equal(decided({ action = "deny", policies = rules }, { a = "", b = "" }), "denied first")
        check.equal(decided({ action = "deny", policies = rules }, {}), "allowed ")
        check.equal(decided({ action = "allow", policies = rules }, { b = "" }), "allowed second")
        check.equal(decided({ action = "allow", policies = rules }, {}), "denied ")
        check.equal(decided({ action = "allow", policies = {} }, {}), "denied ")
        check.equal(decided({ action = "deny", policies = {} }, {}), "allowed ")
        check.equal(decided({ action = "log", policies = rules }, { a = "" }), "allowed ")
        check.equal(decided({}, { a = "" }), "allowed ", "no rules at all")
    end)

    test("matcher trees", function()
        local function uri(text) return { input = "uri_san", is = { exact = text } } end
        local tree = { matcher = {
            list = {
                { when = uri("spiffe://a/bad"), on = { action = "deny", name = "no" } },
                { when = { input = "uri_san", is = { prefix = "spiffe://a/" } }, on = {
                    list = { { when = { header = "x", is = { exact = "1" } }, on = { action = "allow",
                        name = "yes" } } },
                } },
                { when = { input = "target_port", is = { exact = "9" } }, on = { action = "log", name = "seen" } },
            },
            otherwise = { action = "deny", name = "rest" },
        } }
        local function decided(request)
            local allowed, name = policies.decide(tree, view, request)
            return (allowed and "allowed" or "denied") .. " " .. (name or "")
        end
        check.equal(decided({ peer = client_named("spiffe://a/bad"), headers = { x = "1" } }), "denied no")
        check.equal(decided({ peer = client_named("spiffe://a/good"), headers = { x = "1" } }), "allowed yes")
        check.equal(decided({ peer = client_named("spiffe://a/good") }), "denied rest",
            "a tree inside that leads nowhere")
        check.equal(decided({ peer = client_named("spiffe://a/good"), port = 9 }), "allowed seen",
            "and then the next condition")
        check.equal(decided({ port = 9 }), "denied ", "without TLS nobody knows the client")
        check.equal(decided({ tls = true, port = 9 }), "allowed seen", "a client without a certificate has no name")
        check.equal((policies.decide({ matcher = { list = {} } }, view, {})), false, "a tree that leads nowhere")
        check.equal((policies.decide({ matcher = { list = {
            { when = { ["and"] = { NOBODY_CAN_TELL, { header = "x", present = true } } }, on = { action = "deny",
                name = "no" } },
        }, otherwise = { action = "allow", name = "rest" } } }, view, {})), false,
            "in order: what cannot be told ends it")
    end)

    local function answer(path, filters, more)
        more = more or {}
        writer.replace(mesh.of(
            mesh.upstream("u", { mesh.addresses[1] }),
            mesh.virtual_host("v", "80", { "*" }, { { id = "r", upstream_id = "u", plugin = more.plugin or {},
                                                      vars = { { "amesh_path", "~~", "^/a" } } } }),
            mesh.listener("l", 0, "80", { filters = filters })))
        return client.send({ path = path, method = more.method, headers = more.headers, body = more.body })
    end

    local function rbac(conf, name)
        conf.type, conf.name = "rbac", name or "rbac"
        return conf
    end

    test("a request that is refused is answered as Envoy does, before 404", function()
        local deny_b = rbac(denying({ path = { prefix = "/b" } }))
        check.equal(answer("/a", { deny_b }).status, 200)
        check.equal(answer("/c", { deny_b }).status, 404)
        for _, path in ipairs({ "/b", "/%62", "/x/../b", "/b?c" }) do
            local got = answer(path, { deny_b })
            check.equal(got.status, 403, path)
            check.equal(got.body, "RBAC: access denied")
            check.equal(got.headers["content-type"], "text/plain")
        end

        local call = answer("/b", { deny_b }, { method = "POST", body = "x", headers = {
            ["content-type"] = "application/grpc" } })
        check.equal(call.status, 200)
        check.equal(call.headers["grpc-status"], "7")
        check.equal(call.headers["grpc-message"], "RBAC: access denied")
    end)

    test("what a request says of itself", function()
        for title, case in pairs({
            method = { { header = ":method", is = { exact = "GET" } }, 200 },
            ["another method"] = { { header = ":method", is = { exact = "PUT" } }, 403 },
            path = { { header = ":path", is = { exact = "/a?b=c" } }, 200 },
            authority = { { header = ":authority", is = { exact = "REVIEWS:9080", ignore_case = true } }, 200 },
            host = { { header = "host", is = { exact = "reviews:9080" } }, 200 },
            scheme = { { header = ":scheme", is = { exact = "http" } }, 200 },
            ["a header twice"] = { { header = "x-two", is = { exact = "1,2" } }, 200 },
            port = { { target_port = { 9080, 9081 } }, 200 },
            ["its peer"] = { { direct_ip = { "127.0.0.1/32" } }, 200 },
            ["not its peer"] = { { direct_ip = { "10.0.0.1/32" } }, 403 },
            ["its client, who is told by x-forwarded-for"] = { { remote_ip = { "10.0.0.1/32" } }, 200 },
            ["nothing is left by other filters"] = { { metadata = { filter = "x", path = { "y" }, value = {
                present = true } } }, 403 },
            ["no TLS"] = { { tls = true }, 403 },
        }) do
            local got = answer("/a?b=c", { rbac(allowing(case[1])) },
                               { headers = { { "x-two", "1" }, { "x-two", "2" },
                                             { "x-forwarded-for", "10.0.0.9, 10.0.0.1" } } })
            check.equal(got.status, case[2], title)
        end
    end)

    test("an absolute request target outranks Host, by either name", function()
        for _, name in ipairs({ ":authority", "host" }) do
            local only_other = rbac(allowing({ header = name, is = { exact = "other:9080" } }))
            check.equal(answer("http://other:9080/a", { only_other }).status, 200, name)
            check.equal(answer("http://another:9080/a", { only_other }).status, 403, name)
        end
    end)

    test("filters are asked in order, and one that refuses is enough", function()
        local yes, no = rbac(allowing(ANY)), rbac(denying(ANY))
        check.equal(answer("/a", { yes, yes }).status, 200)
        check.equal(answer("/a", { yes, no }).status, 403)
        check.equal(answer("/a", { no, yes }).status, 403)
    end)

    test("what cannot be carried out refuses", function()
        check.equal(answer("/a", { { type = "refused", name = "x", reason = "a test" } }).status, 403)
        check.equal(answer("/a", { { type = "of no kind", name = "x" } }).status, 403)
        check.equal(answer("/a", { rbac({ action = "allow" }) }).status, 403, "no policies")
        check.equal(answer("/a", { rbac(denying({})) }).status, 403, "a condition that says nothing")
        check.equal(answer("/a", { rbac({ action = "other", policies = {} }) }).status, 403, "no such action")
    end)

    test("a route has the last word of a filter", function()
        local no, yes = rbac(denying(ANY)), rbac(allowing(ANY))
        local function with_route(filters, overrides)
            return answer("/a", filters, { plugin = { filters = overrides } }).status
        end
        check.equal(with_route({ no }, { rbac = false }), 200, "off")
        check.equal(with_route({ no }, { other = false }), 403, "of another filter")
        check.equal(with_route({ no }, { rbac = yes }), 200)
        check.equal(with_route({ yes }, { rbac = no }), 403)
        no.disabled = true
        check.equal(with_route({ no }), 200, "off where no route says otherwise")
        check.equal(with_route({ no }, { rbac = true }), 403)
        check.equal(with_route({ no }, { rbac = rbac(denying(ANY)) }), 403)
        check.equal(answer("/c", { rbac(denying(ANY)) }, { plugin = { filters = { rbac = false } } }).status, 403,
            "without a route")
    end)

    test("faults and cross-origin rules keep their place before a filter", function()
        local no = rbac(denying(ANY))
        local plugin = { fault = { abort = { status = 418, ppm = 1000000 } },
                         cors = { allow_origins = { { exact = "http://a" } }, allow_methods = "GET" } }
        local preflight = { method = "OPTIONS", headers = { Origin = "http://a",
            ["Access-Control-Request-Method"] = "GET" } }
        check.equal(answer("/a", { no }, { plugin = plugin }).status, 403)
        check.equal(answer("/a", { { type = "fault", name = "f" }, no }, { plugin = plugin }).status, 418)
        check.equal(answer("/a", { rbac(allowing(ANY)) }, { plugin = plugin }).status, 418)
        check.equal(answer("/c", { { type = "fault", name = "f" }, no }, { plugin = plugin }).status, 403,
            "without a route")

        preflight.plugin = { cors = plugin.cors }
        check.equal(answer("/a", { no }, preflight).status, 403)
        check.equal(answer("/a", { { type = "cors", name = "c" }, no }, preflight).status, 200)
        preflight.method = "GET"
        check.equal(answer("/a", { { type = "cors", name = "c" }, no }, preflight).status, 403, "no preflight")
    end)

    test("a connection that is refused is closed without a word", function()
        local function with_connection(filters)
            local listener = mesh.listener("l", 0, "80")
            listener[2].chains[1].network_filters = filters
            writer.replace(mesh.of(mesh.virtual_host("v", "80", { "*" }, { { id = "r", plugin = {
                direct_response = { status = 200, body = "r" } } } }),
                                   listener))
            return client.send({}).status
        end
        check.equal(with_connection({ rbac(denying({ direct_ip = { "10.0.0.1/32" } })) }), 200)
        check.equal(with_connection({ rbac(denying({ direct_ip = { "127.0.0.1/32" } })) }), "no answer")
        check.equal(with_connection({ rbac(allowing({ target_port = { 9080, 9081 } })) }), 200)
        check.equal(with_connection({ rbac(allowing({ path = { prefix = "/" } })) }), "no answer", "it has no path")
        check.equal(with_connection({ rbac(allowing({ header = ":method", present = true })) }), "no answer",
            "nor headers")
        check.equal(with_connection({ { type = "refused", name = "x", reason = "a test" } }), "no answer")
        check.equal(with_connection({ { type = "of no kind", name = "x" } }), "no answer")
    end)
end
