-- Every kind of object of APISIX's own, with what APISIX makes of it: services, plugin configs, consumers and their
-- groups, global rules, metadata of plugins, secrets, domains in upstreams, health checks. Only in a real APISIX.
local core = require("apisix.core")
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local wait = require("wait")
local A, B = mesh.addresses[1], mesh.addresses[2]

local function nodes(...)
    local all = {}
    for i, host in ipairs({ ... }) do
        all[i] = { host = host, port = 18080, weight = 1 }
    end
    return all
end

local function marked(mark)
    return { ["response-rewrite"] = { headers = { set = { ["x-mark"] = mark } } } }
end

local function route(fields)
    fields.id, fields.uri, fields.hosts = "plain", "/*", { "plain.test" }
    return { "/routes/plain", fields }
end

local function ask(headers)
    return client.send({ host = "plain.test", headers = headers })
end

local function control(path)
    return core.json.decode(client.send({ to = { "127.0.0.1", 15080 }, host = "localhost", path = path }).body)
end

-- New connections go to whichever worker: the same from all of them.
local function every(count, wanted, of)
    for _ = 1, count do
        local got = of()
        if got ~= wanted then
            return got or "nothing"
        end
    end
    return wanted
end

return function(test, check)
    if not package.searchpath("apisix.global_rules", package.path) then
        return
    end

    test("a service and a plugin config that a route names, and their changes", function()
        writer.replace(mesh.of(
            { "/services/s", { id = "s", upstream = { type = "roundrobin", nodes = nodes(A) } } },
            { "/plugin_configs/pc", { id = "pc", plugins = marked("one") } },
            route({ service_id = "s", plugin_config_id = "pc" })))
        check.equal(every(6, A .. ":18080", function() return ask().seen.served_by end), A .. ":18080")
        check.equal(every(6, "one", function() return ask().headers["x-mark"] end), "one")
        writer.commit({ { "/services/s", { id = "s", upstream = { type = "roundrobin", nodes = nodes(B) } } } })
        check.equal(every(6, B .. ":18080", function() return ask().seen.served_by end), B .. ":18080")
        writer.commit({ { "/plugin_configs/pc", { id = "pc", plugins = marked("two") } } })
        check.equal(every(6, "two", function() return ask().headers["x-mark"] end), "two")
    end)

    test("consumers are known by their keys, and have what their group gives", function()
        local function consumer(key)
            return { "/consumers/jack", { username = "jack", group_id = "g",
                                          plugins = { ["key-auth"] = { key = key } } } }
        end
        writer.replace(mesh.of(mesh.upstream("u", { A }), consumer("first"),
            { "/consumer_groups/g", { id = "g", plugins = marked("group") } },
            route({ upstream_id = "u", plugins = { ["key-auth"] = core.json.decode("{}") } })))
        check.equal(every(6, 401, function() return ask().status end), 401)
        local answer = ask({ apikey = "first" })
        check.equal(answer.status, 200)
        check.equal(answer.headers["x-mark"], "group")
        writer.commit({ consumer("second") })
        check.equal(every(6, 401, function() return ask({ apikey = "first" }).status end), 401)
        check.equal(every(6, 200, function() return ask({ apikey = "second" }).status end), 200)
        writer.commit({}, { "/consumers/jack" })
        check.equal(every(6, 401, function() return ask({ apikey = "second" }).status end), 401)
    end)

    test("a global rule holds for all routes, those of the mesh as well, until it is gone", function()
        writer.replace(mesh.of(mesh.upstream("u", { A }), route({ upstream_id = "u" }), mesh.listener("l", 80, "80"),
            mesh.virtual_host("v", "80", { "mesh.test" }, { { id = "r", upstream_id = "u" } }),
            { "/global_rules/1", { id = "1", plugins = marked("global") } }))
        check.equal(every(6, "global", function() return ask().headers["x-mark"] end), "global")
        local function of_the_mesh()
            return client.send({ to = { "10.96.0.1", 80 }, host = "mesh.test" }).headers["x-mark"] or "none"
        end
        check.equal(every(6, "global", of_the_mesh), "global")
        writer.commit({}, { "/global_rules/1" })
        check.equal(every(6, "none", of_the_mesh), "none")
    end)

    test("metadata of plugins, secrets", function()
        writer.replace(mesh.of(
            { "/plugin_metadata/http-logger", { log_format = { host = "$host" } } },
            { "/secrets/vault/one", { id = "vault/one", uri = "http://127.0.0.1:8200", prefix = "kv/apisix",
                                      token = "t" } }))
        check.equal(require("apisix.plugin").plugin_metadata("http-logger").value.log_format.host, "$host")
        local secrets = core.config.fetch_created_obj("/secrets")
        check.equal(secrets:get("vault/one").value.prefix, "kv/apisix")
        writer.commit({ { "/plugin_metadata/http-logger", { log_format = { host = "$uri" } } } })
        check.equal(require("apisix.plugin").plugin_metadata("http-logger").value.log_format.host, "$uri")
    end)

    test("a secret is where consumers' keys are looked up", function()
        writer.replace(mesh.of(mesh.upstream("u", { A }),
            { "/secrets/vault/one", { id = "vault/one", uri = "http://127.1.0.1:18080", prefix = "kv/apisix",
                                      token = "t" } },
            { "/consumers/jill", { username = "jill", plugins = { ["key-auth"] = {
                                       key = "$secret://vault/one/jill/key" } } } },
            route({ upstream_id = "u", plugins = { ["key-auth"] = core.json.decode("{}") } })))
        check.equal(every(6, 200, function() return ask({ apikey = "from-the-vault" }).status end), 200)
        check.equal(every(6, 401, function() return ask({ apikey = "another" }).status end), 401)
        check.equal(control("/v1/amesh/objects/secrets/vault/one").object, "redacted")
        check.equal(control("/v1/amesh/objects/consumers/jill").object, "redacted")
    end)

    test("a proto that a route names, and its changes", function()
        local function proto(field)
            return { "/protos/p", { id = "p", content = 'syntax = "proto3"; package own; message Words { string '
                .. field .. " = 1; } service Echo { rpc Say (Words) returns (Words) {} }" } }
        end
        local upstream = { id = "g", type = "roundrobin", scheme = "grpc", nodes = nodes(A) }
        upstream.nodes[1].port = 18090
        writer.replace(mesh.of(proto("text"), { "/upstreams/g", upstream }, route({ upstream_id = "g",
            plugins = { ["grpc-transcode"] = { proto_id = "p", service = "own.Echo", method = "Say" } } })))
        local function told(field)
            return core.json.decode(client.send({ host = "plain.test", path = "/?" .. field .. "=hello" }).body)[field]
        end
        check.equal(every(6, "hello", function() return told("text") end), "hello")
        writer.commit({ proto("words") })
        check.equal(every(6, "hello", function() return told("words") end), "hello")
        check.equal(#control("/v1/amesh/objects/protos").ids, 1)
        check.equal(#control("/v1/amesh/objects/ssls").ids, 0)
    end)

    test("a domain among an upstream's nodes is looked up", function()
        writer.replace(mesh.of({ "/upstreams/d", { id = "d", type = "roundrobin", nodes = nodes("endpoint.test") } },
            route({ upstream_id = "d" })))
        check.equal(every(6, B .. ":18080", function() return ask().seen.served_by end), B .. ":18080")
        check.truthy(core.config.fetch_created_obj("/upstreams"):get("d").has_domain, "has_domain")
    end)

    test("health checks find the endpoint that is dead, and end with what asked for them", function()
        local active = { type = "http", http_path = "/", healthy = { interval = 1, successes = 1 },
                         unhealthy = { interval = 1, tcp_failures = 1, http_failures = 1 } }
        local upstream = { id = "h", type = "roundrobin", nodes = nodes(A, "127.1.0.9"), retries = 0,
                           checks = { active = active } }
        writer.replace(mesh.of({ "/upstreams/h", upstream }, route({ upstream_id = "h" })))
        local function dead_is_known()
            ask()
            for _, one in ipairs(control("/v1/healthcheck")) do
                for _, node in ipairs(one.nodes) do
                    if node.ip == "127.1.0.9" and node.status == "unhealthy" then
                        return true
                    end
                end
            end
        end
        wait.until_holds(dead_is_known, "what is known of the dead endpoint")
        wait.until_holds(function()
            return every(12, 200, function() return ask().status end) == 200
        end, "what keeps requests away from there")
        upstream.checks = nil
        writer.commit({ { "/upstreams/h", upstream } })
        wait.until_holds(function()
            ask()
            return #control("/v1/healthcheck") == 0
        end, "the end of checks")
    end)

    test("APISIX's own control API shows what there is", function()
        writer.replace(mesh.of(mesh.upstream("u", { A }), route({ upstream_id = "u" }), mesh.listener("l", 80, "80"),
            { "/services/s", { id = "s", upstream = { type = "roundrobin", nodes = nodes(A) } } },
            mesh.virtual_host("v", "80", { "mesh.test" }, { { id = "r", upstream_id = "u" } })))
        check.equal(#control("/v1/routes"), 2)
        check.equal(control("/v1/route/r").value.upstream_id, "u")
        check.equal(control("/v1/upstream/u").value.nodes[1].host, A)
        check.equal(#control("/v1/services"), 1)
        check.truthy(control("/v1/schema").plugins.amesh)
    end)
end
