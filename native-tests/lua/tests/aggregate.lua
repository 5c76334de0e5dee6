-- Upstreams that stand for others, seen from the client.
local mesh, writer, client = require("mesh"), require("writer"), require("client")

local A, B = "127.1.0.1", "127.1.0.2"
local number = 0

-- An aggregate of these members, {name, weight, addresses, labels}.
local function with_members(members, plugin)
    number = number + 1
    local parts, objects = {}, {}
    for i, one in ipairs(members) do
        local id = one[1] .. number
        parts[i] = id .. "=" .. one[2]
        if one[3] then
            objects[#objects + 1] = mesh.upstream(id, one[3], { labels = one[4] })
        end
    end
    local groups = table.concat(parts, ",")
    objects[#objects + 1] = mesh.upstream("all" .. number, { A }, { labels = { amesh_groups = groups } })
    objects[#objects + 1] = mesh.virtual_host("v", "80", { "*" },
                                              { { id = "r", plugin = plugin or {}, upstream_id = "all" .. number } })
    objects[#objects + 1] = mesh.listener("l", 0, "80")
    writer.replace(mesh.of(unpack(objects)))
end

local function count_b(times, headers)
    local b = 0
    for _ = 1, times do
        local answer = client.send({ headers = headers })
        b = b + (answer.seen and answer.seen.served_by == B .. ":18080" and 1 or 0)
    end
    return b
end

return function(test, check)
    test("members have their shares", function()
        with_members({ { "near", 700000, { A } }, { "far", 300000, { B } } })
        check.share(count_b(300), 300, 0.3)
    end)

    test("a member without a share gets nothing while the others are well", function()
        with_members({ { "near", 1000000, { A } }, { "far", 0, { B } } })
        check.equal(count_b(50), 0)
    end)

    test("members that did not fit into one label", function()
        writer.replace(mesh.of(
            mesh.upstream("one", { A }), mesh.upstream("two", { B }),
            mesh.upstream("long", { A }, { labels = { amesh_groups = "one=0", amesh_groups_2 = "absent=0",
                                                      amesh_groups_3 = "two=1" } }),
            mesh.virtual_host("v", "80", { "*" }, { { id = "r", plugin = {}, upstream_id = "long" } }),
            mesh.listener("l", 0, "80")))
        check.equal(count_b(20), 20)
    end)

    test("a member that is not there or has no endpoints is passed over", function()
        with_members({ { "absent", 1000000 }, { "empty", 0, {} }, { "far", 0, { B } } })
        check.equal(count_b(20), 20)
        with_members({ { "absent", 1000000 }, { "empty", 0, {} } })
        check.equal(client.send({}).status, 503)
    end)

    test("a member whose endpoints are all ejected hands over to the next", function()
        with_members({
            { "near", 1000000, { A },
              { amesh_outlier_detection = "5xx=2,interval=10,base=30,max=300,percent=100,panic=0" } },
            { "far", 0, { B } },
        })
        local fails = { ["x-answer-status"] = 503, ["x-answer-only"] = A .. ":18080" }
        check.equal(client.send({ headers = fails }).status, 503)
        check.equal(client.send({ headers = fails }).status, 503)
        check.equal(count_b(20, fails), 20)
    end)

    test("a member with some endpoints ejected keeps what overprovisioning makes up for", function()
        local id = "half"
        with_members({
            { id, 1000000, { A, "127.1.0.3" },
              { amesh_outlier_detection = "5xx=1,interval=10,base=30,max=300,percent=50,panic=0" } },
            { "far", 0, { B } },
        })
        local fails = { ["x-answer-status"] = 503, ["x-answer-only"] = A .. ":18080" }
        for _ = 1, 8 do
            client.send({ headers = fails })
        end
        check.share(count_b(300), 300, 0.3, "1.4 times a half stays")
    end)
end
