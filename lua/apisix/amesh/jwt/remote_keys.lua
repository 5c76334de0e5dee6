-- Key sets that an issuer serves by HTTP, fetched through a cluster of the mesh, by each worker for itself. The fetch
-- runs in a timer; requests that need its keys wait for it, all for the same one, while the worker goes on.
--
-- remote: { upstream_id, cluster, host, path, timeout, cache?, async?, failed_refetch?, retries?, base_interval?,
--           max_interval? }, times in seconds.
local core = require("apisix.core")
local lrucache = require("resty.lrucache")
local semaphore = require("ngx.semaphore")
local fetch = require("apisix.amesh.jwt.fetch")
local keys = require("apisix.amesh.jwt.keys")
local status = require("apisix.amesh.jwt.status")

local concat = table.concat
local max = math.max
local min = math.min
local now = ngx.now
local pcall = pcall
local random = math.random
local sleep = ngx.sleep
local timer_at = ngx.timer.at

local _M = {}

local SETS = 128
local DEFAULT_CACHE = 600
-- asynchronous fetches begin so long before keys are too old
local AHEAD = 5
-- seconds until a timer counts as dropped
local TIMER_PATIENCE = 1
local DEFAULT_FAILED_REFETCH = 1
local DEFAULT_BASE_INTERVAL = 1

local states = lrucache.new(SETS)


local function state_of(remote)
    local id = concat({ remote.upstream_id, remote.host, remote.path, remote.cache or "" }, " ")
    local state = states:get(id)
    if not state then
        state = {}
        states:set(id, state)
    end
    return state
end


-- Once, or as often as the policy says, within the time that there is.
local function fetch_with_retries(remote)
    local deadline = now() + remote.timeout
    local base = remote.base_interval or DEFAULT_BASE_INTERVAL
    local text, why, again
    for attempt = 0, remote.retries or 0 do
        if attempt > 0 then
            sleep(random() * min(base * 2 ^ (attempt - 1), remote.max_interval or 10 * base))
        end
        local left = deadline - now()
        if left <= 0 then
            return nil, why or "there was no time left"
        end

        text, why, again = fetch.text(remote, left)
        if text or not again then
            break
        end
    end
    return text, why
end


local function finish(state, remote, text, why)
    local set, fault
    if text then
        set, fault = keys.of(text)
        why = fault and fault.text
    end

    if set then
        state.set, state.fetched = set, now()
    else
        core.log.warn("no keys from ", remote.host, remote.path, " by cluster ", remote.cluster, ": ", why)
        state.next_try = now() + (remote.failed_refetch or DEFAULT_FAILED_REFETCH)
    end

    state.failed = not set
    local round = state.round
    state.round = nil
    if round and round.waiting > 0 then
        round.semaphore:post(round.waiting)
    end
end


local function run(premature, state, remote)
    if premature then
        return finish(state, remote, nil, "the worker ends")
    end

    if state.round then
        state.round.begun = true
    end
    local done, text, why = pcall(fetch_with_retries, remote)
    return finish(state, remote, done and text or nil, done and why or text)
end


-- A fetch, if there is none under way. Requests that wait are counted with it. nginx drops a timer where no connection
-- is free for it: one that does not begin is made again.
local function begin(state, remote)
    local round = state.round
    if round and (round.begun or now() - round.made < TIMER_PATIENCE) then
        return
    end

    state.round = { waiting = 0, semaphore = semaphore.new(0), made = now() }
    local ok, err = timer_at(0, run, state, remote)
    if not ok then
        finish(state, remote, nil, "no timer: " .. err)
    end
end


local function wait(state, remote)
    begin(state, remote)
    local round = state.round
    if round then
        round.waiting = round.waiting + 1
        local ok = round.semaphore:wait(remote.timeout + 1)
        if not ok then
            round.waiting = max(round.waiting - 1, 0)
        end
        return ok and not state.failed
    end
    return not state.failed
end


-- The set; nil and the status where it cannot be had.
function _M.get(remote)
    local state = state_of(remote)
    local cache = remote.cache or DEFAULT_CACHE
    local age = state.set and now() - state.fetched
    if age and age < cache then
        if remote.async and age > cache - AHEAD and now() >= (state.next_try or 0) then
            begin(state, remote)
        end
        return state.set
    end

    -- Envoy's asynchronous fetches go on without being asked: keys that none of them could replace stay good
    if wait(state, remote) or (remote.async and state.set) then
        return state.set
    end
    return nil, status.fetch_fails
end


return _M
