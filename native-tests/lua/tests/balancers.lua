-- The balancers alone.
local function ctx()
    return {}
end

local function new(kind, nodes, key, labels)
    return require("apisix.balancer." .. kind).new(nodes, { resource_key = key, labels = labels }, 0)
end

return function(test, check)
    test("random picks by weight", function()
        local picker = new("amesh_random", { a = 3, b = 1, c = 0 })
        local counts = { a = 0, b = 0, c = 0 }
        for _ = 1, 4000 do
            local host = picker.get(ctx())
            counts[host] = counts[host] + 1
        end
        check.share(counts.a, 4000, 0.75)
        check.equal(counts.c, 0)
    end)

    test("hosts that are all weighted zero are used alike", function()
        local picker = new("amesh_random", { a = 0, b = 0 })
        local counts = { a = 0, b = 0 }
        for _ = 1, 400 do
            local host = picker.get(ctx())
            counts[host] = counts[host] + 1
        end
        check.share(counts.a, 400, 0.5)
    end)

    for _, kind in ipairs({ "amesh_random", "amesh_least_request", "amesh_hash" }) do
        test(kind .. " goes to every host once before it gives up", function()
            local picker = new(kind, { a = 1, b = 1, c = 1 })
            local request = ctx()
            local seen = {}
            for _ = 1, 3 do
                local host = picker.get(request)
                check.equal(seen[host], nil, "not twice")
                seen[host] = true
                request.balancer_server = host
                picker.after_balance(request, true)
            end
            check.equal(picker.get(request), nil)
            picker.before_retry_next_priority(request)
            check.truthy(picker.get(request), "after the tried ones are forgotten")
            picker.after_balance(request, false)
            check.equal(request.balancer_tried_servers, nil)
        end)
    end

    test("least request avoids the busy host, and forgets requests that end", function()
        local picker = new("amesh_least_request", { a = 1, b = 1 }, "/upstreams/busy")
        local open = {}
        for i = 1, 100 do
            open[i] = ctx()
            open[i].balancer_server = picker.get(open[i])
        end
        local a = 0
        for _, request in ipairs(open) do
            a = a + (request.balancer_server == "a" and 1 or 0)
        end
        check.truthy(a >= 40 and a <= 60, "even: " .. a)

        -- keep only the requests on a; b must get most of what follows
        for _, request in ipairs(open) do
            if request.balancer_server == "b" then
                picker.after_balance(request, false)
            end
        end
        local again = new("amesh_least_request", { a = 1, b = 1 }, "/upstreams/busy")
        local b = 0
        for _ = 1, 100 do
            local request = ctx()
            request.balancer_server = again.get(request)
            b = b + (request.balancer_server == "b" and 1 or 0)
            again.after_balance(request, false)
        end
        check.share(b, 100, 0.75, "the counts outlive the picker")
    end)

    test("least request with weights: weight by active requests", function()
        local picker = new("amesh_least_request", { a = 9, b = 1 }, "/upstreams/weighted")
        local a = 0
        for _ = 1, 1000 do
            local request = ctx()
            request.balancer_server = picker.get(request)
            a = a + (request.balancer_server == "a" and 1 or 0)
            picker.after_balance(request, false)
        end
        check.share(a, 1000, 0.9)
    end)

    test("hash: when a host goes only its keys move", function()
        local before = new("amesh_hash", { a = 1, b = 1, c = 1 })
        local after = new("amesh_hash", { a = 1, b = 1 })
        local on = { a = 0, b = 0, c = 0 }
        for key = 1, 600 do
            local old = before.get({ amesh_hash = tostring(key) })
            on[old] = on[old] + 1
            if old ~= "c" then
                check.equal(after.get({ amesh_hash = tostring(key) }), old)
            end
        end
        check.share(on.a, 600, 1 / 3)
        check.share(on.b, 600, 1 / 3)
    end)

    test("hash: keys spread by weight", function()
        local picker = new("amesh_hash", { a = 3, b = 1 })
        local a = 0
        for key = 1, 1000 do
            a = a + (picker.get({ amesh_hash = "user" .. key }) == "a" and 1 or 0)
        end
        check.share(a, 1000, 0.75)
    end)

    test("least request with more choices finds the idle host more often", function()
        local picker = new("amesh_least_request", { a = 1, b = 1, c = 1 }, "/upstreams/choices",
                           { amesh_balancing = "choices=100" })
        for _ = 1, 60 do
            local counts = { a = 0, b = 0, c = 0 }
            for _ = 1, 3 do
                local host = picker.get(ctx())
                counts[host] = counts[host] + 1
            end
            -- nobody lets go, so all are equally busy after each round
            check.equal(counts, { a = 1, b = 1, c = 1 })
        end
    end)

    test("least request without bias minds weights alone", function()
        local picker = new("amesh_least_request", { a = 3, b = 1 }, "/upstreams/bias", { amesh_balancing = "bias=0" })
        local a = 0
        for _ = 1, 1000 do
            a = a + (picker.get(ctx()) == "a" and 1 or 0)
        end
        check.share(a, 1000, 0.75, "although nobody lets go")
    end)

    for _, kind in ipairs({ "amesh_random", "amesh_least_request" }) do
        test(kind .. ": a new endpoint starts slowly", function()
            local key, labels = "/upstreams/slow-" .. kind, { amesh_balancing = "window=0.4,aggression=1,min=10" }
            local function share_of_b(picker)
                local b = 0
                for _ = 1, 1000 do
                    local request = ctx()
                    request.balancer_server = picker.get(request)
                    b = b + (request.balancer_server == "b" and 1 or 0)
                    picker.after_balance(request, false)
                end
                return b
            end

            -- as APISIX keeps the picker until there is the next; whose arrivals nobody keeps has forgotten them
            local kept = { new(kind, { a = 1 }, key, labels) }
            ngx.sleep(0.5)
            -- no time passes for nginx before the next sleep
            local picker = new(kind, { a = 1, b = 1 }, key, labels)
            kept[2] = picker
            check.share(share_of_b(picker), 1000, 0.1 / 1.1)
            picker = new(kind, { a = 1, b = 1 }, key, labels)
            check.share(share_of_b(picker), 1000, 0.1 / 1.1, "another change makes nobody older")
            ngx.sleep(0.5)
            check.share(share_of_b(picker), 1000, 0.5, "after the window")

            kept[3] = new(kind, { a = 1 }, key, labels)
            picker = new(kind, { a = 1, b = 1 }, key, labels)
            check.share(share_of_b(picker), 1000, 0.1 / 1.1, "b went and came again")
            check.equal(#kept, 3)
        end)
    end
end
