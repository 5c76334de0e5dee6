-- Circuit breakers, seen from clients that come all at once. The gateway has two workers, which share the counts.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local counts = require("apisix.amesh.worker_counts")
local wait = require("wait")
local json = require("cjson.safe")
local dict = ngx.shared["amesh-circuits"]
local reached = ngx.shared.tests

local run, number = ngx.now() .. "-", 0

local function with_limits(limits, addresses, plugin, labels)
    labels = labels or {}
    labels.amesh_circuit_breaker = limits and json.encode(limits) or nil
    number = number + 1
    local id = "circuit" .. number
    writer.replace(mesh.of(
        mesh.upstream(id, addresses or { "127.1.0.1" }, { labels = labels }),
        mesh.virtual_host("v", "80", { "*" }, { { id = "r", plugin = plugin or {}, upstream_id = id } }),
        mesh.listener("l", 0, "80")))
    return id
end

-- So many requests at once; returns how many had each status, and one answer of each.
local function at_once(count, headers)
    local threads, by_status, example = {}, {}, {}
    for i = 1, count do
        threads[i] = ngx.thread.spawn(function()
            local own = { ["x-case"] = run .. number }
            for name, value in pairs(headers or {}) do
                own[name] = value
            end
            return client.send({ headers = own })
        end)
    end
    for _, thread in ipairs(threads) do
        local _, answer = ngx.thread.wait(thread)
        by_status[answer.status] = (by_status[answer.status] or 0) + 1
        example[answer.status] = answer
    end
    return by_status, example
end

local function calls()
    return reached:get("reached/" .. run .. number .. "/127.1.0.1:18080") or 0
end

-- Everything that was counted has been let go again.
local function check_nothing_held()
    wait.until_holds(function()
        local held = 0
        for _, key in ipairs(dict:get_keys(0)) do
            if key:find("^sum#") then
                held = held + math.abs(dict:get(key))
            end
        end
        return held == 0
    end, "the end of all counts")
end

return function(test, check)
    test("more requests at once than allowed are answered with 503 and x-envoy-overloaded", function()
        with_limits({ max_requests = 3 })
        local by_status, example = at_once(8, { ["x-answer-after"] = 0.4 })
        check.equal({ by_status[200], by_status[503] }, { 3, 5 })
        check.equal(example[503].headers["x-envoy-overloaded"], "true")
        check.truthy(example[503].body:find("overflow", 1, true))
        check.equal(example[200].headers["x-envoy-overloaded"], nil)
        check.equal(calls(), 3)
        check_nothing_held()
        check.equal(at_once(3)[200], 3, "afterwards there is room again")
    end)

    test("requests wait for a connection, and too many that wait are refused", function()
        with_limits({ max_connections = 1, max_pending = 2 })
        local by_status, example = at_once(6, { ["x-answer-after"] = 0.3 })
        check.equal({ by_status[200], by_status[503] }, { 3, 3 })
        check.equal(example[503].headers["x-envoy-overloaded"], "true")
        check.equal(calls(), 3)
        check_nothing_held()
    end)

    test("requests that wait come one after the other", function()
        with_limits({ max_connections = 1 })
        local started = ngx.now()
        check.equal(at_once(3, { ["x-answer-after"] = 0.2 })[200], 3)
        ngx.update_time()
        check.truthy(ngx.now() - started >= 0.59, "not at once")
        check_nothing_held()
    end)

    test("waiting is part of the route's timeout", function()
        local id = with_limits({ max_connections = 1 }, nil, { timeout = 0.3 })
        local held = { id .. "#default#connections", id .. "#default#host#127.1.0.1:18080" }
        for _, name in ipairs(held) do
            counts.add(name, 1)
        end
        check.equal(at_once(2)[504], 2)
        check.equal(calls(), 0)
        for _, name in ipairs(held) do
            counts.add(name, -1)
        end
        check_nothing_held()
    end)

    test("each endpoint gets a connection whatever the limit says", function()
        with_limits({ max_connections = 1, max_pending = 1 }, mesh.addresses)
        local by_status = at_once(3, { ["x-answer-after"] = 0.3 })
        check.equal(by_status[200], 3)
        check_nothing_held()
    end)

    test("without a place to wait there is never a connection", function()
        with_limits({ max_pending = 0 })
        check.equal(at_once(1)[503], 1)
        check_nothing_held()
    end)

    test("HTTP/2 connections take many requests, and a subset counts with its cluster", function()
        local id = with_limits({ max_connections = 1, max_requests = 2 })
        local upstream = { id = id, labels = { amesh_circuit_breaker = '{"max_connections":1,"max_requests":2}' } }
        local circuit = require("apisix.amesh.circuit")
        local one = { upstream_conf = upstream, amesh = { conf = {}, http2 = true } }
        local labels = { amesh_circuit_breaker = upstream.labels.amesh_circuit_breaker, amesh_cluster = id }
        local subset = { id = "subset", labels = labels }
        local two = { upstream_conf = subset, amesh = { conf = {}, http2 = true } }
        circuit.enter(one, "a:1")
        circuit.enter(two, "a:1")
        check.equal(counts.get(id .. "#default#requests"), 2)
        check.equal(counts.get(id .. "#default#connections"), 0)
        circuit.leave(one)
        circuit.leave(two)
        check_nothing_held()
    end)

    test("routes of high priority have limits of their own", function()
        with_limits({ max_requests = 1, high = { max_requests = 2 } }, nil, { priority = "high" })
        local by_status = at_once(4, { ["x-answer-after"] = 0.3 })
        check.equal({ by_status[200], by_status[503] }, { 2, 2 })
        check_nothing_held()
    end)

    test("retries at once are limited; the answer of a try that is not repeated goes through", function()
        local retry = { on = { "5xx" }, num = 1, base_interval = 0.001 }
        with_limits({ max_retries = 1 }, nil, { retry = retry })
        local by_status = at_once(4, { ["x-answer-status"] = 500, ["x-answer-after"] = 0.3 })
        check.equal(by_status[500], 4)
        check.equal(calls(), 5, "four tries and one retry")
        check_nothing_held()

        with_limits({ max_retries = 1 }, { { "127.1.0.9", 1, 18099 } },
                    { retry = { on = { "connect-failure" }, num = 1 } })
        check.equal(at_once(3)[503], 3)
        check_nothing_held()
    end)

    test("a retry budget is a share of the requests there are, and at least so many", function()
        local retry = { on = { "5xx" }, num = 1, base_interval = 0.001 }
        with_limits({ retry_budget = 50, min_retries = 1 }, nil, { retry = retry })
        at_once(4, { ["x-answer-status"] = 500, ["x-answer-after"] = 0.3 })
        check.equal(calls(), 6, "four tries and two retries")
        with_limits({ retry_budget = 0, min_retries = 1 }, nil, { retry = retry })
        at_once(4, { ["x-answer-status"] = 500, ["x-answer-after"] = 0.3 })
        check.equal(calls(), 5)
        check_nothing_held()
    end)

    test("requests are dropped for nothing where the endpoints say so", function()
        with_limits(nil, nil, nil, { amesh_drop = "300000" })
        local dropped = 0
        for _ = 1, 200 do
            dropped = dropped + (client.send({}).status == 503 and 1 or 0)
        end
        check.share(dropped, 200, 0.3)
    end)

    test("a cluster without limits is not counted", function()
        dict:flush_all()
        dict:flush_expired()
        with_limits(nil)
        check.equal(at_once(3)[200], 3)
        check.equal(#dict:get_keys(0), 0)
    end)

    test("what a worker counted that has died is taken back when a limit is reached", function()
        -- no process has this number: it is above what the kernel gives out
        local dead = "4194999"
        dict:set("part#" .. dead .. "#x", 2)
        dict:incr("sum#x", 2, 0)
        check.truthy(counts.take("x", 3), "below the limit nobody looks")
        check.equal(counts.get("x"), 3)
        dict:delete("sweep")
        check.truthy(counts.take("x", 3), "at the limit the dead worker's are taken back")
        check.equal(counts.get("x"), 2)
        check.equal(dict:get("part#" .. dead .. "#x"), nil)
        counts.add("x", -2)
    end)

    test("a worker that is killed in the middle of a request leaves nothing behind", function()
        local killed
        for _ = 1, 30 do
            local id = with_limits({ max_requests = 1 })
            local thread = ngx.thread.spawn(client.send, { headers = { ["x-answer-after"] = 1 } })
            ngx.sleep(0.3)
            for _, key in ipairs(dict:get_keys(0)) do
                local pid = key:match("^part#(%d+)#" .. id .. "#default#requests$")
                -- not the one that runs this test
                if pid and dict:get(key) == 1 and tonumber(pid) ~= ngx.worker.pid() then
                    killed = tonumber(pid)
                    require("ffi").C.kill(killed, 9)
                end
            end
            ngx.thread.wait(thread)
            if killed then
                break
            end
        end
        check.truthy(killed, "a worker to kill")

        wait.until_holds(function()
            return client.send({}).status == 200
        end, "a request that is served")
        check_nothing_held()
    end)
end
