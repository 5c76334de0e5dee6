-- The provider in this worker, fed through the real shared dictionaries.
local core = require("apisix.core")
local item_of = require("apisix.amesh.item")
local live = require("apisix.amesh.live")
local mesh, writer = require("mesh"), require("writer")
local wait = require("wait")

local function upstreams()
    return core.config.fetch_created_obj("/upstreams")
end

local function base()
    writer.replace(mesh.of(
        mesh.upstream("a", { "127.1.0.1" }),
        mesh.upstream("b", { "127.1.0.2" }),
        mesh.virtual_host("v", "9080", { "v" }, { { id = "r", upstream_id = "a" } }),
        mesh.listener("l", 9080, "9080")))
end

return function(test, check)
    test("objects of all kinds are there after a commit", function()
        base()
        check.equal(upstreams():get("a").value.nodes[1].host, "127.1.0.1")
        check.equal(core.config.fetch_created_obj("/routes"):get("r").value.id, "r")
        check.equal(core.config.fetch_created_obj("/virtual_hosts"):get("v").value.domains, { "v" })
        check.equal(upstreams():get("nothing"), nil)
    end)

    test("an object is read and decoded at first use, and looks like APISIX's then", function()
        base()
        writer.commit({ mesh.upstream("c", { "127.1.0.3" }) })
        check.equal(upstreams():peek("c"), nil, "nothing is held of it")
        local item = upstreams():get("c")
        check.equal(item.value.nodes[1].priority, 0, "set by the kind's filter")
        check.equal(item.has_domain, false, "set by the kind's filter")
        check.equal(item_of.is_decoded(item), true)
        check.equal(item.key, "/upstreams/c")
        check.equal(item.modifiedIndex, writer.number())
        check.equal(rawget(item, "json"), nil, "JSON text is let go")
        check.truthy(upstreams():get("c") == item, "same table")
    end)

    test("an object is read with the commit that it came with, however late", function()
        base()
        local number = writer.commit({ mesh.upstream("c", { "127.1.0.3" }) })
        writer.commit({ mesh.upstream("d", { "127.1.0.3" }) })
        check.equal(upstreams():get("c").modifiedIndex, number)
    end)

    test("an object that is newer than what is in force is used, and stays when its commit comes", function()
        base()
        writer.commit({ mesh.upstream("c", { "127.1.0.1" }) })
        local number = writer.begin()
        local log = writer.write({ mesh.upstream("c", { "127.1.0.2" }) })
        local item = upstreams():get("c")
        check.equal(item.value.nodes[1].host, "127.1.0.2")
        check.equal(item.modifiedIndex, number - 0.5)
        writer.finish(number, log)
        writer.wait()
        check.truthy(upstreams():get("c") == item, "same table")
    end)

    test("an object of a commit that is taken back is the old one again", function()
        base()
        writer.commit({ mesh.upstream("c", { "127.1.0.1" }) })
        local before = { ["/upstreams/c"] = writer.what_is_there("/upstreams/c") }
        writer.begin()
        writer.write({ mesh.upstream("c", { "127.1.0.2" }) })
        check.equal(upstreams():get("c").value.nodes[1].host, "127.1.0.2")
        writer.take_back(before)
        wait.until_holds(function()
            return upstreams():get("c").value.nodes[1].host == "127.1.0.1"
        end, "the old object")
    end)

    test("a route is read with the upstreams that it names, and read again when one is gone", function()
        base()
        local routes = core.config.fetch_created_obj("/routes")
        writer.commit(mesh.virtual_host("w", "9080", { "w" }, { { id = "q", upstream_id = "a",
            plugin = { clusters = { { upstream_id = "b", weight = 0 } } } } }))
        routes:get("q")
        check.truthy(upstreams():peek("a") and upstreams():peek("b"))

        writer.commit(mesh.of(mesh.upstream("e", { "127.1.0.3" }),
            mesh.virtual_host("w", "9080", { "w" }, { { id = "p", upstream_id = "e" } })))
        local number = writer.begin()
        local get = live.read
        local log
        live.read = function(key)
            local text, index = get(key)
            if key == "/routes/p" and not log then
                -- between the reads of the route and of its upstream
                log = writer.write(mesh.of(mesh.upstream("f", { "127.1.0.2" }),
                    mesh.virtual_host("w", "9080", { "w" }, { { id = "p", upstream_id = "f" } })), { "/upstreams/e" })
            end
            return text, index
        end
        local ok, item = pcall(routes.get, routes, "p")
        live.read = get
        writer.finish(number, log)
        writer.wait()
        check.equal(ok, true, item)
        check.equal(item.value.upstream_id, "f")
    end)

    test("ipairs over values finds values", function()
        base()
        local ids = {}
        for _, item in ipairs(upstreams().values) do
            if item then
                ids[#ids + 1] = item.value.id
            end
        end
        table.sort(ids)
        check.equal(ids, { "a", "b" })
    end)

    test("a change leaves other items alone, with their table and modifiedIndex", function()
        base()
        local a, b = upstreams():get("a"), upstreams():get("b")
        local a_index, routes = a.modifiedIndex, core.config.fetch_created_obj("/routes").conf_version
        local before = upstreams().conf_version
        local number = writer.commit({ mesh.upstream("b", { "127.1.0.3" }) })
        check.truthy(upstreams():get("a") == a, "same table")
        check.equal(a.modifiedIndex, a_index)
        check.truthy(upstreams():get("b") ~= b, "new table")
        check.equal(upstreams():get("b").modifiedIndex, number)
        check.equal(upstreams().conf_version, before + 1)
        check.equal(core.config.fetch_created_obj("/routes").conf_version, routes, "routes untouched")
    end)

    test("a full read keeps the identity of what is byte-equal", function()
        base()
        local a = upstreams():get("a")
        local number = writer.begin()
        writer.write({ mesh.upstream("b", { "127.1.0.1" }) })
        writer.finish(number, "*")
        writer.wait()
        check.truthy(upstreams():get("a") == a, "same table")
        check.equal(upstreams():get("b").value.nodes[1].host, "127.1.0.1")
    end)

    test("a full read removes what is gone", function()
        base()
        local number = writer.begin()
        writer.write({}, { "/upstreams/b" })
        writer.finish(number, "*")
        writer.wait()
        check.equal(upstreams():get("b"), nil)
        check.truthy(upstreams():get("a"))
    end)

    test("a removed item leaves a tombstone that iterators skip, and many are cleared away", function()
        base()
        for i = 1, 130 do
            writer.commit({ mesh.upstream("x" .. i, {}) })
            writer.commit({}, { "/upstreams/x" .. i })
        end
        check.truthy(#upstreams().values < 110, "values are rewritten")
        check.equal(upstreams():get("a").value.id, "a")
        check.equal(upstreams():get("x1"), nil)
        local count = 0
        for _, item in core.config_util.iterate_values(upstreams().values) do
            check.truthy(item.value)
            count = count + 1
        end
        check.equal(count, 2)
    end)

    test("a commit that is too large to be applied without a pause comes whole", function()
        base()
        local many = {}
        for i = 1, 1000 do
            many[i] = mesh.upstream("many" .. i, { "127.1.0.1" })
        end
        local number = writer.commit(many)
        check.equal(core.config.applied_version(), number)
        check.equal(upstreams():get("many1000").value.id, "many1000")
        check.equal(#upstreams().values, 1002)
        base()
        check.equal(#upstreams().values, 2)
        check.equal(core.config.applied_version(), number + 1)
    end)

    test("one bad object does not hold back the others", function()
        base()
        writer.commit({
            { "/upstreams/bad1", "{not json" },
            { "/upstreams/bad2", "[1" },
            { "/upstreams/bad3", '"a string"' },
            mesh.upstream("good", { "127.1.0.2" }),
        })
        check.equal(upstreams():get("good").value.id, "good")
        for _, id in ipairs({ "bad1", "bad2", "bad3" }) do
            check.equal(upstreams():get(id), nil, id)
            check.equal(upstreams():peek(id), nil, id)
        end
    end)

    test("an object that becomes bad keeps its last good content", function()
        base()
        local a = upstreams():get("a")
        local index = a.modifiedIndex
        writer.commit({ { "/upstreams/a", "{" } })
        check.equal(upstreams():get("a").value.nodes[1].host, "127.1.0.1")
        check.equal(upstreams():get("a").modifiedIndex, index)
        writer.commit({ { "/upstreams/a", "{" .. " " } })
        check.equal(upstreams():get("a").value.nodes[1].host, "127.1.0.1", "twice bad")
        writer.commit({ mesh.upstream("a", { "127.1.0.2" }) })
        check.equal(upstreams():get("a").value.nodes[1].host, "127.1.0.2", "good again")
    end)

    test("a bad object that nobody has used is not there, is looked at once, and may be good again", function()
        base()
        writer.commit({ mesh.upstream("n", { "127.1.0.1" }) })
        writer.commit({ { "/upstreams/n", "{" } })
        local decode, decoded = core.json.decode, 0
        core.json.decode = function(...)
            decoded = decoded + 1
            return decode(...)
        end
        for _ = 1, 3 do
            check.equal(upstreams():get("n"), nil)
        end
        core.json.decode = decode
        check.equal(decoded, 1)
        writer.commit({ mesh.upstream("n", { "127.1.0.2" }) })
        check.equal(upstreams():get("n").value.nodes[1].host, "127.1.0.2")
    end)

    test("an iterator that meets a bad object goes on", function()
        base()
        writer.commit({ { "/upstreams/bad", "{" } })
        local ids = {}
        for _, item in ipairs(upstreams().values) do
            if item and item.value.nodes then
                ids[#ids + 1] = item.value.id
            end
        end
        check.equal(#ids, 2)
    end)

    test("the id is the key's tail whatever the object says", function()
        base()
        writer.commit({ { "/upstreams/tail", { id = "other", nodes = {} } } })
        check.equal(upstreams():get("tail").value.id, "tail")
    end)

    test("kinds asked for later get what is there, single items included", function()
        base()
        local before = writer.commit({
            { "/test_single", { { name = "amesh" } } },
            { "/test_later/x", { id = "x", value = 1 } },
        })
        writer.commit({ { "/test_later/y", { id = "y" } } })
        local filtered
        local plugins = core.config.new("/test_single", {
            automatic = true, single_item = true, filter = function(item) filtered = item.value end,
        })
        check.equal(filtered, { { name = "amesh" } }, "decoded at once")
        check.equal(plugins:get("/test_single").value[1].name, "amesh")
        local metadata = core.config.new("/test_later", { automatic = true })
        check.equal(metadata:get("x").modifiedIndex, before)
        check.equal(metadata:get("y").value.id, "y")
        writer.commit({ { "/test_single", { { name = "other" } } } })
        check.equal(filtered, { { name = "other" } })
    end)

    test("a filter or checker that throws refuses its object alone", function()
        base()
        writer.commit({ { "/test_boom/ok", { id = "ok" } }, { "/test_boom/boom", { id = "boom" } } })
        local kind = core.config.new("/test_boom", {
            automatic = true,
            filter = function(item) assert(item.value.id ~= "boom", "boom") end,
        })
        check.equal(kind:get("ok").value.id, "ok")
        check.equal(kind:get("boom"), nil)
    end)

    test("changes are told by id", function()
        base()
        local kind = core.config.new("/services", { automatic = true, track_changes = true })
        kind:take_changes()
        writer.commit({ { "/services/s1", { id = "s1" } }, { "/services/s2", { id = "s2" } } })
        local changes = kind:take_changes()
        check.truthy(changes.s1 and changes.s2)
        writer.commit({}, { "/services/s1" })
        check.equal(kind:take_changes(), { s1 = true })
        check.equal(next(kind:take_changes()), nil)
    end)

    test("a kind that is asked for twice is followed by both", function()
        base()
        writer.commit({ { "/test_twice/x", { id = "x" } } })
        local first = core.config.new("/test_twice", { automatic = true })
        local second = core.config.new("/test_twice", { automatic = true })
        check.equal(second:get("x").value.id, "x", "what was there")
        writer.commit({ { "/test_twice/y", { id = "y" } } }, { "/test_twice/x" })
        for _, kind in ipairs({ first, second }) do
            check.equal(kind:get("y").value.id, "y")
            check.equal(kind:get("x"), nil)
        end
    end)

    test("the interface of APISIX's other providers is there", function()
        local kind = core.config.new()
        check.truthy(kind:server_version())
        check.equal(core.config.new(nil, { automatic = true }), nil, "no key")
        check.truthy(core.config.fetch_all_created_obj()["/routes"])
        kind:close()
        check.equal(core.config.type, "xds")
        check.truthy(core.config.local_conf())
    end)
end
