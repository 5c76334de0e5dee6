-- What is seen from outside: status, control API, metrics.
local core = require("apisix.core")
local control = require("apisix.amesh.control")
local metrics = require("apisix.amesh.metrics")
local status = require("apisix.amesh.status")
local mesh, writer = require("mesh"), require("writer")

local EXPORTER = "apisix.plugins.prometheus.exporter"

local function base()
    return writer.replace(mesh.of(
        mesh.upstream("a", { "127.1.0.1" }),
        mesh.virtual_host("v", "9080", { "v" }, { { id = "r", upstream_id = "a" } }),
        mesh.listener("l", 9080, "9080")))
end

local function get(uri)
    local own = ngx.var.uri
    ngx.req.set_uri(uri)
    local code, body
    for _, route in ipairs(control.routes) do
        local prefix = route.uris[1]:gsub("%*$", "")
        if uri:sub(1, #prefix) == prefix then
            code, body = route.handler()
        end
    end
    ngx.req.set_uri(own)
    return code, body
end

-- Stands for nginx-lua-prometheus.
local function fake_prometheus()
    local shown = {}
    local function metric(name, labels, add)
        return function(_, value, given)
            local key = name .. (given and "{" .. labels[1] .. "=" .. given[1] .. "}" or "")
            shown[key] = add and (shown[key] or 0) + value or value
        end
    end

    local prometheus = {
        gauge = function(_, name, help, labels)
            assert(help and not shown[name], name)
            return { set = metric(name, labels) }
        end,
        counter = function(_, name)
            return { inc = metric(name, {}, true) }
        end,
    }
    return prometheus, shown
end

local function with_exporter(prometheus, run)
    local real = package.loaded[EXPORTER]
    package.loaded[EXPORTER] = { get_prometheus = function() return prometheus end }
    local ok, err = pcall(run)
    package.loaded[EXPORTER] = real
    assert(ok, err)
end

return function(test, check)
    test("status has the commit in the zone and in this worker, and counts by kind", function()
        local number = base()
        local all = status.all()
        check.equal(all.commit, number)
        check.equal(all.pending, number)
        check.equal(all.applied, number)
        check.equal(all.objects.upstreams, 1)
        check.equal(all.objects.virtual_hosts, 1)
        check.equal(all.pid, ngx.worker.pid())
        check.equal(next(all.refused), nil)
    end)

    test("an object that cannot be used is told with its key and why, until it is good or gone", function()
        base()
        writer.commit({ { "/upstreams/bad", "{not json" }, { "/upstreams/a", "[" } })
        local upstreams = core.config.fetch_created_obj("/upstreams")
        upstreams:get("bad")
        upstreams:get("a")
        local refused = status.all().refused
        check.truthy(refused["/upstreams/bad"]:find("not JSON", 1, true))
        check.truthy(refused["/upstreams/a"])
        local _, body = get("/v1/amesh/objects/upstreams/a")
        check.truthy(body.refused:find("not JSON", 1, true))
        check.equal(body.object, "[")
        writer.commit({ mesh.upstream("a", { "127.1.0.2" }) }, { "/upstreams/bad" })
        check.equal(next(status.all().refused), nil)
    end)

    test("the control API shows status and objects", function()
        local number = base()
        local code, body = get("/v1/amesh/status")
        check.equal(code, 200)
        check.equal(body.applied, number)
        code, body = get("/v1/amesh/objects/upstreams")
        check.equal(code, 200)
        check.equal(body.ids, { "a" })
        code, body = get("/v1/amesh/objects/upstreams/a")
        check.equal(code, 200)
        check.equal(body.key, "/upstreams/a")
        check.equal(body.object.nodes[1].host, "127.1.0.1")
        check.truthy(body.modified_index)
        check.equal(get("/v1/amesh/objects/upstreams/none"), 404)
        check.equal(get("/v1/amesh/objects/nothing"), 404)
    end)

    test("looking at an object does not decode it", function()
        base()
        writer.commit({ mesh.upstream("fresh", {}) })
        get("/v1/amesh/objects/upstreams/fresh")
        check.equal(core.config.fetch_created_obj("/upstreams"):peek("fresh"), nil)
    end)

    test("without prometheus there are no metrics and no error", function()
        local real = package.loaded[EXPORTER]
        package.loaded[EXPORTER] = nil
        metrics.update()
        package.loaded[EXPORTER] = { get_prometheus = function() end }
        metrics.update()
        package.loaded[EXPORTER] = real
    end)

    test("metrics: every worker tells its commit, the library's state comes from the process that holds it", function()
        local number = base()
        local prometheus, shown = fake_prometheus()
        local library = {
            state = "connected", nacks = 2, updates = 7, reconnects = 0, commit_error = "full",
            objects = { routes = 3 }, diagnostics = { near = 5 },
        }
        local config, holds, text = core.config, core.config.holds_library, core.config.library_status
        local library_error = config.library_error
        config.library_error = function() end
        config.holds_library = function() return true end
        config.library_status = function() return core.json.encode(library) end
        local _, err = pcall(with_exporter, prometheus, function()
            metrics.update()
            library.nacks = 3
            metrics.update()
        end)
        check.truthy(pcall(with_exporter, fake_prometheus(), metrics.update), "another instance")
        check.truthy(pcall(with_exporter, prometheus, metrics.update), "and the first again")
        config.holds_library, config.library_status, config.library_error = holds, text, library_error
        check.equal(shown["amesh_applied_commit{worker=" .. ngx.worker.id() .. "}"], number, err)
        check.equal(shown.amesh_commit, number)
        check.equal(shown["amesh_objects{kind=routes}"], 3)
        check.equal(shown["amesh_diagnostics{severity=near}"], 5)
        check.equal(shown.amesh_commit_refused, 1)
        check.equal(shown.amesh_nacks_total, 3)
        check.equal(shown.amesh_reconnects_total, 0)
    end)
end
