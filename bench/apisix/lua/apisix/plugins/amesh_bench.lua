-- Measures what a commit costs inside APISIX's processes. A plugin, so that no file of APISIX is changed; on no route.
--
-- Every process looks every millisecond: who first sees a new commit number in the zone writes down when, and each worker
-- when it has applied it. The longest time between two looks (gap), and the most of the
-- processor that went into it (busy), is how long the process could do nothing else.
local core = require("apisix.core")

local ngx = ngx
local process = require("ngx.process")
local shared = ngx.shared["amesh-bench"]
local zone = ngx.shared["xds-config-version"]

local LOOK = 0.001
local LOOKS_PER_TIMER = 2000

local _M = {
    version = 0.1,
    priority = -5000,
    name = "amesh_bench",
    schema = { type = "object" },
}


function _M.check_schema()
    return true
end


local function name()
    return process.type() == "privileged agent" and "agent" or tostring(ngx.worker.id())
end


local seen, applied, last, used


local function now()
    ngx.update_time()
    return ngx.now()
end


local function look()
    local time = now()
    local gap = last and time - last or 0
    if gap > (shared:get("gap/" .. name()) or 0) then
        shared:set("gap/" .. name(), gap)
    end

    local clock = os.clock()
    if used and clock - used > (shared:get("busy/" .. name()) or 0) then
        shared:set("busy/" .. name(), clock - used)
    end

    local version = zone:get("version")
    if version ~= seen then
        seen = version
        shared:safe_add("seen/" .. version, time)
    end

    -- APISIX's own provider does not say
    local mine = core.config.applied_version and core.config.applied_version()
    if mine and mine ~= applied then
        -- several commits at once: all of them are in force now
        for number = (applied or mine - 1) + 1, mine do
            shared:safe_add("applied/" .. number .. "/" .. name(), time)
        end
        applied = mine
    end

    if shared:get("collect/" .. name()) then
        shared:delete("collect/" .. name())
        collectgarbage()
        collectgarbage()
        shared:set("heap/" .. name(), collectgarbage("count"))
        now()
    end
    last, used = now(), os.clock()
end


local function watch(premature)
    if premature then
        return
    end

    for _ = 1, LOOKS_PER_TIMER do
        look()
        ngx.sleep(LOOK)
        if ngx.worker.exiting() then
            return
        end
    end
    ngx.timer.at(0, watch)
end


-- APISIX's own provider, for comparison: Amesh's router variables ask for an object without decoding it.
core.config.peek = core.config.peek or core.config.get


function _M.init()
    shared:set("pid/" .. name(), ngx.worker.pid())
    ngx.timer.at(0, watch)
end


local function everything()
    local all = {}
    for _, key in ipairs(shared:get_keys(0)) do
        all[key] = shared:get(key)
    end
    return 200, all
end


local function clear()
    for _, key in ipairs(shared:get_keys(0)) do
        if not key:find("^pid/") then
            shared:delete(key)
        end
    end
    return 200, {}
end


local function collect()
    for _, key in ipairs(shared:get_keys(0)) do
        local who = key:match("^pid/(.*)")
        if who then
            shared:set("collect/" .. who, true)
        end
    end
    return 200, {}
end


function _M.control_api()
    return {
        { methods = { "GET" }, uris = { "/v1/amesh_bench" }, handler = everything },
        { methods = { "POST" }, uris = { "/v1/amesh_bench/clear" }, handler = clear },
        { methods = { "POST" }, uris = { "/v1/amesh_bench/collect" }, handler = collect },
    }
end


return _M
