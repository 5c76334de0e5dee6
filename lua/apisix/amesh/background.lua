-- Work that a worker does over and over, beside what it serves.
--
-- nginx gives a timer one of the worker's connections when its moment comes. Where all are in use the timer is dropped,
-- with a line in the error log, and work that relied on each timer making the next would stop for good, just when it is
-- needed most. So a timer that runs goes on, asleep between the rounds, which takes no connection. It gives way to
-- another now and then, since a timer's memory grows with what it sleeps, but not before that one runs. One that was
-- dropped before it ran is made again by the next `wake`.
local log = require("apisix.core.log")

local exiting = ngx.worker.exiting
local max = math.max
local ngx_now = ngx.now
local ngx_sleep = ngx.sleep
local pcall = pcall
local setmetatable = setmetatable
local timer_at = ngx.timer.at

local ROUNDS_PER_TIMER = 1000
-- seconds after its time until a round is believed never to come
local PATIENCE = 1
-- seconds: older versions of ngx_lua would never leave a sleep of no length that follows another
local SHORTEST = 0.001

local _M = {}
local mt = { __index = _M }


-- step(leaving): one round. Returns whether there is more to do; if not, `wake` begins anew. leaving: the worker ends.
function _M.new(interval, step)
    local task = { interval = max(interval, SHORTEST), step = step, made = 0, runs = 0, awake = false, seen = 0 }
    return setmetatable(task, mt)
end


local function round(self, leaving)
    self.seen = ngx_now()
    local ok, more = pcall(self.step, leaving)
    if not ok then
        log.error("work in the background failed: ", more)
        return true
    end
    return more
end


local make

local function run(premature, self, number)
    self.runs = number
    local rounds = 0
    while self.runs == number do
        if not round(self, premature or exiting()) then
            self.awake = false
            return
        end
        if premature then
            return
        end

        rounds = rounds + 1
        if rounds % ROUNDS_PER_TIMER == 0 then
            make(self)
        end
        ngx_sleep(self.interval)
    end
end


function make(self)
    self.made = self.made + 1
    return timer_at(0, run, self, self.made)
end


-- There is something to do. Nil and why, if it cannot be begun.
function _M.wake(self)
    if self.awake and ngx_now() - self.seen < self.interval + PATIENCE then
        return true
    end

    self.awake, self.seen = true, ngx_now()
    local ok, err = make(self)
    self.awake = ok and true or false
    return ok, err
end


return _M
