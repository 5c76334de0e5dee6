-- Ejection of endpoints that fail more often than others: success rates and failure percentages.
local mesh, writer, client = require("mesh"), require("writer"), require("client")

local A, number = "127.1.0.1:18080", 0

local function with_settings(settings, addresses)
    number = number + 1
    local labels = { amesh_outlier_detection = settings .. ",base=30,max=300,panic=0,run=" .. ngx.now() .. number }
    writer.replace(mesh.of(
        mesh.upstream("rates" .. number, addresses or mesh.addresses, { type = "amesh_random", labels = labels }),
        mesh.virtual_host("v", "80", { "*" }, { { id = "r", plugin = {}, upstream_id = "rates" .. number } }),
        mesh.listener("l", 0, "80")))
end

-- Sends requests, of which A answers 500; returns how many that were.
local function failures(count)
    local failed = 0
    for _ = 1, count do
        local answer = client.send({ headers = { ["x-answer-status"] = 500, ["x-answer-only"] = A } })
        failed = failed + (answer.status ~= 200 and 1 or 0)
    end
    return failed
end

return function(test, check)
    local function is_ejected(settings, interval, addresses)
        with_settings(settings .. ",interval=" .. interval, addresses)
        check.truthy(failures(60) > 4, "at first the endpoint has requests")
        ngx.sleep(interval + 0.1)
        failures(1)
        return failures(30) == 0
    end

    -- on a busy machine a short interval may not see enough requests
    local function check_ejected(settings, ejected, addresses)
        local found
        for _, interval in ipairs({ 0.4, 2, 8 }) do
            found = is_ejected(settings, interval, addresses)
            if found == ejected then
                return
            end
        end
        check.equal(found, ejected, settings)
    end

    test("an endpoint far below the others' success rate is ejected", function()
        check_ejected("percent=50,rate=0.5,rate_hosts=3,rate_requests=5", true)
    end)

    test("not with fewer endpoints or requests than asked for, nor within the deviation", function()
        check_ejected("percent=50,rate=0.5,rate_hosts=4,rate_requests=5", false)
        check_ejected("percent=50,rate=0.5,rate_hosts=3,rate_requests=500", false)
        check_ejected("percent=50,rate=1.9,rate_hosts=3,rate_requests=5", false)
    end)

    test("an endpoint that fails as often as the percentage says is ejected", function()
        check_ejected("percent=50,failures=90,failure_hosts=3,failure_requests=5", true)
        check_ejected("percent=50,failures=90@0,failure_hosts=3,failure_requests=5", false)
        check_ejected("percent=50,failures=90,failure_hosts=3,failure_requests=500", false)
    end)

    test("a connection that fails counts as a failure, and apart where that is asked for", function()
        local dead = { { "127.1.0.9", 1, 18099 }, "127.1.0.2", "127.1.0.3" }
        check_ejected("percent=50,failures=90,failure_hosts=3,failure_requests=5", true, dead)
        check_ejected("percent=50,failures=90@0,failure_hosts=3,failure_requests=5,local_failures=100,split=1",
                      true, dead)
        check_ejected("percent=50,failures=90,failure_hosts=3,failure_requests=5,split=1", false, dead)
    end)

    test("one endpoint is ejected whatever the percentage says, where that is asked for", function()
        check_ejected("percent=10,failures=90,failure_hosts=3,failure_requests=5", false)
        check_ejected("percent=10,one=1,failures=90,failure_hosts=3,failure_requests=5", true)
    end)
end
