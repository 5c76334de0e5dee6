-- The reader protocol, against dictionaries that the test controls step by step.
local zone = require("apisix.amesh.zone")

local function dict(content)
    return {
        content = content,
        get = function(self, key)
            if self.on_get then
                self.on_get(key)
            end
            return self.content[key]
        end,
        get_keys = function(self)
            local keys = {}
            for key in pairs(self.content) do
                keys[#keys + 1] = key
            end
            return keys
        end,
    }
end

local function sorted(map)
    local keys = {}
    for key in pairs(map) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    return table.concat(keys, " ")
end

return function(test, check)
    local function at_commit_1()
        local config = dict({ ["/routes/a"] = "A", ["/routes/b"] = "B", ["amesh/keys/1"] = "the writer's" })
        local version = dict({ version = 1, ["amesh/pending"] = 1, ["amesh/log/1"] = "*", ["amesh/log_first"] = 1 })
        local reader = zone.new(config, version)
        return reader, config, version, reader:poll(0)
    end

    test("nothing is read before a first commit", function()
        check.equal(zone.new(dict({}), dict({})):poll(0), nil)
    end)

    test("the first read takes everything", function()
        local _, _, _, change = at_commit_1()
        check.equal(change.full, true)
        check.equal(change.version, 1)
        check.equal(sorted(change.objects), "/routes/a /routes/b")
    end)

    test("a reader that is up to date reads nothing", function()
        local reader, config = at_commit_1()
        config.on_get = function() error("read") end
        check.equal(reader:poll(0), nil)
    end)

    test("later reads take what the log names", function()
        local reader, config, version = at_commit_1()
        config.content["/routes/a"] = "A2"
        config.content["/routes/c"] = "C"
        config.content["/routes/b"] = nil
        version.content["amesh/log/2"] = "+/routes/a\n+/routes/c"
        version.content["amesh/log/3"] = "-/routes/b\n"
        version.content["amesh/pending"], version.content.version = 3, 3
        local change = reader:poll(0)
        check.equal(change.full, false)
        check.equal(sorted(change.objects), "/routes/a /routes/c")
        check.equal(change.objects["/routes/a"], "A2")
        check.equal(change.removed, { "/routes/b" })
    end)

    test("a key that was set and then removed is only removed, and the other way round", function()
        local reader, config, version = at_commit_1()
        config.content["/routes/b"] = "B3"
        config.content["/routes/a"] = nil
        version.content["amesh/log/2"] = "+/routes/a\n-/routes/b"
        version.content["amesh/log/3"] = "-/routes/a\n+/routes/b"
        version.content["amesh/pending"], version.content.version = 3, 3
        local change = reader:poll(0)
        check.equal(change.removed, { "/routes/a" })
        check.equal(change.objects, { ["/routes/b"] = "B3" })
    end)

    test("a commit that is being written is left alone", function()
        local reader, _, version = at_commit_1()
        version.content["amesh/pending"], version.content.version = 3, 2
        version.content["amesh/log/2"] = "+/routes/a"
        check.equal(reader:poll(0), nil)
        check.equal(reader:poll(100), nil)
        version.content["amesh/pending"] = 2
        check.equal(reader:poll(100).version, 2)
    end)

    test("a read during which a commit began is thrown away", function()
        local reader, config, version = at_commit_1()
        version.content["amesh/log/2"] = "+/routes/a"
        version.content["amesh/pending"], version.content.version = 2, 2
        config.on_get = function() version.content["amesh/pending"] = 3 end
        check.equal(reader:poll(0), nil)
        config.on_get = nil
        version.content["amesh/pending"] = 2
        check.equal(reader:poll(0).version, 2)
    end)

    test("a key that vanished between log and read means another try", function()
        local reader, config, version = at_commit_1()
        config.content["/routes/a"] = nil
        version.content["amesh/log/2"] = "+/routes/a"
        version.content["amesh/pending"], version.content.version = 2, 2
        check.equal(reader:poll(0), nil)
        check.equal(reader.applied, 1)
    end)

    for title, break_log in pairs({
        ["a reader that fell out of the log reads everything"] = function(version)
            version.content["amesh/log_first"] = 3
        end,
        ["a missing log entry means reading everything"] = function(version)
            version.content["amesh/log/2"] = nil
        end,
        ["a commit logged as * means reading everything"] = function(version)
            version.content["amesh/log/2"] = "*"
        end,
        ["a version that went back means reading everything"] = function(version)
            version.content["amesh/pending"], version.content.version = 0, 0
        end,
    }) do
        test(title, function()
            local reader, _, version = at_commit_1()
            version.content["amesh/log/2"] = "+/routes/a"
            version.content["amesh/log/3"] = "+/routes/a"
            version.content["amesh/pending"], version.content.version = 3, 3
            break_log(version)
            local change = reader:poll(0)
            check.equal(change.full, true)
            check.equal(sorted(change.objects), "/routes/a /routes/b")
        end)
    end

    test("a reader with nothing waits a second for a commit to end, then takes what is there", function()
        local version = dict({ version = 1, ["amesh/pending"] = 2 })
        local reader = zone.new(dict({ ["/upstreams/u"] = "U" }), version)
        check.equal(reader:poll(10), nil)
        check.equal(reader:poll(10.9), nil)
        check.equal(reader:poll(11).full, true)
    end)

    test("a writer that only knows the stock contract is read whole", function()
        local version = dict({ version = 1 })
        local reader = zone.new(dict({ ["/routes/a"] = "A" }), version)
        check.equal(reader:poll(0).full, true)
        version.content.version = 2
        check.equal(reader:poll(0).full, true)
    end)

    -- A reader of everything at commit 1, and commits that come when it is half through.
    local function read_while(meanwhile)
        local config = dict({ ["/routes/a"] = "A", ["/routes/b"] = "B" })
        local version = dict({ version = 1, ["amesh/pending"] = 1, ["amesh/log_first"] = 1 })
        local read, come = 0, nil
        config.on_get = function() read = read + 1 end
        local change = zone.new(config, version):poll(0, function()
            if read == 2 and not come then
                come = true
                meanwhile(config.content, version.content)
            end
        end)
        return change
    end

    test("what is committed while everything is read in slices is read on top", function()
        local change = read_while(function(config, version)
            config["/routes/a"], config["/routes/c"], config["/routes/b"] = "A2", "C", nil
            version["amesh/log/2"], version["amesh/log/3"] = "+/routes/a\n-/routes/b", "+/routes/c"
            version["amesh/pending"], version.version = 3, 3
        end)
        check.equal(change.version, 3)
        check.equal(change.full, true)
        check.equal(sorted(change.objects), "/routes/a /routes/c")
        check.equal(change.objects["/routes/a"], "A2")
    end)

    test("a read in slices that a commit is being written over is thrown away", function()
        check.equal(read_while(function(_, version)
            version["amesh/pending"] = 2
        end), nil)
    end)

    test("a read in slices that the log does not lead on from is thrown away", function()
        check.equal(read_while(function(_, version)
            version["amesh/log/2"] = "*"
            version["amesh/pending"], version.version = 2, 2
        end), nil)
    end)
end
