-- Requests through the gateway: which virtual host, which route.
local mesh, writer, client = require("mesh"), require("writer"), require("client")

-- One virtual host whose only route answers with its own name.
local function named(id, route_config, domains, extra)
    return mesh.virtual_host(id, route_config, domains,
                             { { id = "r-" .. id, plugin = { direct_response = { status = 200, body = id } } } }, extra)
end

local function which(host, path)
    local answer = client.send({ host = host, path = path })
    return answer.status == 200 and answer.body or answer.status
end

return function(test, check)
    test("domains: exact, longest suffix, longest prefix, then any", function()
        writer.replace(mesh.of(
            named("exact", "80", { "a.example.com" }),
            named("suffix", "80", { "*.example.com" }),
            named("longer", "80", { "*.b.example.com" }),
            named("dash", "80", { "*-x.example.com" }),
            named("prefix", "80", { "a.*" }),
            named("prefix2", "80", { "a.example.*" }),
            named("any", "80", { "*" }),
            mesh.listener("l", 0, "80", { ignore_port = true })))
        for host, wanted in pairs({
            ["a.example.com"] = "exact",
            ["A.Example.COM"] = "exact",
            ["a.example.com:8080"] = "exact",
            ["c.example.com"] = "suffix",
            ["x.y.example.com"] = "suffix",
            ["c.b.example.com"] = "longer",
            ["y-x.example.com"] = "dash",
            ["a.example.org"] = "prefix2",
            ["a.b"] = "prefix",
            ["example.com"] = "any",
            [".example.com"] = "any",
        }) do
            check.equal(which(host), wanted, host)
        end
    end)

    test("the port in Host counts unless it is to be ignored", function()
        writer.replace(mesh.of(
            named("with", "80", { "reviews:9080" }),
            named("without", "80", { "reviews" }),
            mesh.listener("l", 0, "80")))
        check.equal(which("reviews:9080"), "with")
        check.equal(which("reviews"), "without")
        check.equal(which("reviews:1"), 404)
        writer.commit(mesh.of(named("without", "80", { "reviews" }, { ignore_port = true })))
        check.equal(which("reviews:1"), "without", "asked for by a virtual host")
    end)

    test("a virtual host without a matching route is 404, never a less specific one", function()
        writer.replace(mesh.of(
            mesh.virtual_host("exact", "80", { "reviews" },
                              { { id = "e", vars = { { "amesh_path", "==", "/x" } },
                                  plugin = { direct_response = { status = 200, body = "x" } } } }),
            named("any", "80", { "*" }),
            mesh.listener("l", 0, "80")))
        check.equal(which("reviews", "/x"), "x")
        check.equal(which("reviews", "/y"), 404)
        check.equal(which("ratings", "/y"), "any")
        writer.commit({}, { "/virtual_hosts/any", "/routes/r-any" })
        check.equal(which("ratings", "/y"), 404)
    end)

    test("routes are tried in the virtual host's order", function()
        local function route(id, vars)
            return { id = id, vars = vars, plugin = { direct_response = { status = 200, body = id } } }
        end
        writer.replace(mesh.of(
            mesh.virtual_host("v", "80", { "*" }, {
                route("header", { { "amesh_header_x-user", "==", "jason" } }),
                route("query", { { "amesh_query_v", "==", "2" } }),
                route("prefix", { { "amesh_path", "~~", "^/a" } }),
                route("exact", { { "amesh_path", "==", "/a/b" } }),
                route("either", { { "OR", { "amesh_path", "==", "/c" }, { "amesh_method", "==", "POST" } } }),
                route("absent", { { "amesh_header_x-gone", "!", "~~", ".*" }, { "amesh_path", "==", "/g" } }),
                route("rest"),
            }),
            mesh.listener("l", 0, "80")))
        check.equal(which("x", "/a/b"), "prefix", "the earlier, not the more exact")
        check.equal(which("x", "/c"), "either")
        check.equal(which("x", "/?v=2"), "query")
        check.equal(which("x", "/?v=%32"), "rest", "query undecoded")
        check.equal(which("x", "/g"), "absent")
        check.equal(which("x", "/z"), "rest")
        local function with(headers, path)
            return client.send({ host = "x", path = path, headers = headers }).body
        end
        check.equal(with({ ["X-User"] = "jason" }), "header")
        check.equal(with({ { "x-user", "ja" }, { "x-user", "son" } }), "rest", "values joined with a comma")
        check.equal(with({ ["x-gone"] = "" }, "/g"), "rest", "present though empty")
    end)

    test("routes that take a part of the requests draw one number for a request, as in Envoy", function()
        local function share(id, limit)
            return { id = id, vars = limit and { { "amesh_random_ppm", "<", limit } },
                     plugin = { direct_response = { status = 200, body = id } } }
        end
        writer.replace(mesh.of(
            mesh.virtual_host("v", "80", { "*" }, { share("half", 500000), share("same", 500000), share("rest") }),
            mesh.listener("l", 0, "80")))
        local seen = { half = 0, same = 0, rest = 0 }
        for _ = 1, 100 do
            local which_one = which("x")
            seen[which_one] = seen[which_one] + 1
        end
        check.equal(seen.same, 0)
        check.truthy(seen.half > 0 and seen.rest > 0, "both halves are drawn")
    end)

    test("listeners: exact address and port, then any address, then any port", function()
        writer.replace(mesh.of(
            named("exact", "exact", { "*" }), named("port", "port", { "*" }), named("rest", "rest", { "*" }),
            mesh.listener("l1", 9080, "exact", { address = "127.0.0.1" }),
            mesh.listener("l2", 9081, "port"),
            mesh.listener("l3", 0, "rest")))
        check.equal(which("x:9080"), "exact", "a proxy called by name: the port is in Host")
        check.equal(which("x:9081"), "port")
        check.equal(which("x:9082"), "rest")
        check.equal(which("x"), "rest", "port 80")
    end)

    test("a change shows at once, and routes may come back", function()
        writer.replace(mesh.of(named("one", "80", { "one" }), named("two", "80", { "two" }),
                               mesh.listener("l", 0, "80")))
        check.equal(which("one"), "one")
        local answers_1 = { direct_response = { status = 200, body = "1" } }
        local changed = mesh.virtual_host("one", "80", { "one", "uno" }, { { id = "r-one", plugin = answers_1 } })
        writer.commit(changed)
        check.equal(which("one"), "1")
        check.equal(which("uno"), "1")
        writer.commit({}, { "/virtual_hosts/one", "/routes/r-one" })
        check.equal(which("one"), 404)
        check.equal(which("two"), "two")
        writer.commit(changed)
        check.equal(which("uno"), "1")
    end)

    test("a route that changes alone is compiled again, its neighbours are not", function()
        local route_table = require("apisix.amesh.route_table")
        local core = require("apisix.core")
        local expr = require("resty.expr.v1")
        writer.replace(mesh.of(
            mesh.virtual_host("v", "80", { "*" }, {
                { id = "a", vars = { { "amesh_path", "==", "/a" } } },
                { id = "b", vars = { { "amesh_path", "==", "/b" } } },
            }),
            named("other", "80", { "other" }),
            mesh.listener("l", 0, "80")))
        local routes = core.config.fetch_created_obj("/routes")
        local function virtual_host()
            return core.config.fetch_created_obj("/virtual_hosts"):get("v")
        end
        check.equal(route_table.match(virtual_host(), routes, { amesh_path = "/b" }).value.id, "b")

        local compiled = {}
        local new = expr.new
        expr.new = function(vars)
            compiled[#compiled + 1] = vars[1][3]
            return new(vars)
        end
        local ok, err = pcall(function()
            local b = { id = "b", vars = { { "amesh_path", "==", "/B" } } }
            writer.commit({ mesh.virtual_host("v", "80", { "*" }, { b })[1] })
            check.equal(route_table.match(virtual_host(), routes, { amesh_path = "/b" }), nil)
            check.equal(route_table.match(virtual_host(), routes, { amesh_path = "/B" }).value.id, "b")
        end)
        expr.new = new
        check.equal(ok, true, err)
        local own = {}
        for _, value in ipairs(compiled) do
            if value ~= "80" then
                own[#own + 1] = value
            end
        end
        check.equal(own, { "/B" })
    end)

    test("a commit that is half done when a worker first looks is served from both sides", function()
        local function one(id, to)
            return mesh.virtual_host("v", "80", { "*" }, { { id = id, upstream_id = to } })
        end
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }), mesh.upstream("b", { "127.1.0.2" }),
                               one("r1", "a"), mesh.listener("l", 0, "80")))
        -- nobody has asked for the virtual host yet; the route that it had is gone before it can be read
        local number = writer.begin()
        local log = writer.write(one("r2", "b"), { "/routes/r1", "/upstreams/a" })
        for _ = 1, 8 do
            check.equal(client.send({ host = "x" }).seen.served_by, "127.1.0.2:18080", "in every worker")
        end
        writer.finish(number, log)
        writer.wait()
        check.equal(client.send({ host = "x" }).seen.served_by, "127.1.0.2:18080")
    end)

    test("a domain that moves from one virtual host to another is never lost", function()
        writer.replace(mesh.of(named("old", "80", { "shared", "old" }), mesh.listener("l", 0, "80")))
        check.equal(which("shared"), "old")
        writer.commit(named("new", "80", { "shared" }))
        for _ = 1, 8 do
            check.equal(which("shared"), "new", "in every worker")
        end
        writer.commit({}, { "/virtual_hosts/old", "/routes/r-old" })
        check.equal(which("shared"), "new")
    end)

    test("routes that are not of the mesh work beside it", function()
        local plain = { "/routes/plain", { id = "plain", uri = "/*", hosts = { "plain.test" },
                                           upstream_id = "u", plugins = {} } }
        writer.replace(mesh.of(named("v", "80", { "mesh.test" }), named("any", "80", { "*" }), plain,
                               mesh.upstream("u", { "127.1.0.1" }), mesh.listener("l", 80, "80")))
        check.equal(which("mesh.test"), "v")
        check.equal(client.send({ host = "plain.test" }).seen.served_by, "127.1.0.1:18080", "before the mesh's *")
        check.equal(which("other.test"), "any")
        check.equal(client.send({ host = "plain.test:81" }).seen.served_by, "127.1.0.1:18080", "no listener")
        check.equal(which("other.test:81"), 404)
        writer.commit({}, { "/routes/plain" })
        check.equal(which("plain.test"), "any")
    end)

    test("a change of the mesh does not rebuild the stock router", function()
        local stock = require("apisix.http.router.radixtree_host_uri")
        local plain = { "/routes/plain", { id = "plain", uri = "/*", hosts = { "plain.test" }, upstream_id = "u" } }
        writer.replace(mesh.of(named("v", "80", { "mesh.test" }), plain, mesh.listener("l", 81, "80")))
        local plain_routes = require("apisix.amesh.plain_routes")
        local ctx = { var = { host = "plain.test", uri = "/" } }
        check.equal(plain_routes.match(ctx), true)
        local version = stock.user_routes.conf_version
        writer.commit(named("w", "80", { "w" }))
        plain_routes.match(ctx)
        check.equal(stock.user_routes.conf_version, version)
        writer.commit({ { "/routes/plain2", { id = "plain2", uri = "/2", upstream_id = "u" } } })
        plain_routes.match(ctx)
        check.equal(stock.user_routes.conf_version, version + 1)
    end)

    test("an absolute request target names the host", function()
        writer.replace(mesh.of(named("one", "80", { "one" }), named("two", "80", { "two" }),
                               mesh.listener("l", 0, "80", { ignore_port = true })))
        check.equal(client.send({ host = "two", path = "http://one:80/x" }).body, "one")
    end)

    test("a path that Envoy refuses is refused", function()
        writer.replace(mesh.of(named("any", "80", { "*" }),
                               mesh.listener("l", 0, "80", { escaped_slashes = "reject" })))
        check.equal(which("x", "/a#b"), 400)
        check.equal(which("x", "/a%2fb"), 400)
        check.equal(which("x", "/a"), "any")
    end)
end
