-- Work in the background goes on when nginx drops timers, as it does where all of a worker's connections are in use.
-- luacheck: ignore 122
local wait = require("wait")

local function with_timers(timer_at, run)
    local known, own = package.loaded["apisix.amesh.background"], ngx.timer.at
    package.loaded["apisix.amesh.background"] = nil
    rawset(ngx.timer, "at", timer_at)
    local ok, background = pcall(require, "apisix.amesh.background")
    package.loaded["apisix.amesh.background"] = known
    rawset(ngx.timer, "at", own)
    assert(ok, background)
    run(background)
end

return function(test, check)
    local dropping, made = false, 0
    local own = ngx.timer.at
    local function timer_at(...)
        made = made + 1
        if dropping then
            return true
        end
        return own(...)
    end

    test("a round follows the other until there is no more to do, and begins anew when somebody asks", function()
        with_timers(timer_at, function(background)
            local rounds, most = 0, 3
            local task = background.new(0.001, function()
                rounds = rounds + 1
                return rounds < most
            end)
            check.truthy(task:wake())
            check.truthy(task:wake())
            wait.until_holds(function() return rounds == 3 end)
            ngx.sleep(0.05)
            check.equal(rounds, 3)
            most = 5
            check.truthy(task:wake())
            wait.until_holds(function() return rounds == 5 end)
        end)
    end)

    test("timers that are dropped do not end it: it goes on until one of them runs", function()
        with_timers(timer_at, function(background)
            local rounds, stopped = 0, false
            local task = background.new(0.001, function()
                rounds = rounds + 1
                return not stopped
            end)
            check.truthy(task:wake())
            wait.until_holds(function() return rounds > 0 end)
            dropping, made = true, 0
            wait.until_holds(function() return made >= 2 end, "it is handed over, and that fails")
            local before = rounds
            wait.until_holds(function() return rounds > before + 10 end, "it goes on")
            dropping, made = false, 0
            wait.until_holds(function() return made >= 2 end, "it is handed over")
            stopped = true
        end)
    end)

    test("one whose first timer was dropped begins when it is woken again", function()
        with_timers(timer_at, function(background)
            local rounds = 0
            local task = background.new(0.001, function()
                rounds = rounds + 1
                return false
            end)
            dropping = true
            check.truthy(task:wake())
            dropping = false
            wait.until_holds(function()
                task:wake()
                return rounds > 0
            end)
        end)
    end)

    test("an error in a round does not end it", function()
        with_timers(timer_at, function(background)
            local rounds = 0
            background.new(0.001, function()
                rounds = rounds + 1
                if rounds == 1 then
                    error("once")
                end
                return rounds < 3
            end):wake()
            wait.until_holds(function() return rounds == 3 end)
        end)
    end)
end
