-- Measures libxds.so from where APISIX calls it: LuaJIT's FFI on nginx's own thread, with nginx's own dictionaries
-- beneath.
local ffi = require("ffi")
local zone_handle = require("apisix.amesh.zone_handle")

local ngx = ngx
local ffi_string = ffi.string
local format = string.format
local math_floor = math.floor
local os_getenv = os.getenv
local table_sort = table.sort
local error = error
local ipairs = ipairs
local table_concat = table.concat
local tonumber = tonumber

ffi.cdef[[
int amesh_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len,
                char *err, size_t err_size);
int amesh_status(char *buf, size_t size);
const char *amesh_version(void);
int amesh_stop(int timeout_ms);
struct amesh_time { long seconds; long nanoseconds; };
int clock_gettime(int clock, struct amesh_time *time);
]]

local MONOTONIC, PROCESS, THREAD = 1, 2, 3
local CALLS = 200000
local STATUS_SIZE = 65536
local ERR_SIZE = 2048
-- seconds without a commit after which a mesh is taken to be all there
local QUIET = 0.5

local library = ffi.load(os_getenv("AMESH_BENCH_LIBRARY"))
local config = ngx.shared["xds-config"]
local versions = ngx.shared["xds-config-version"]
local reference = ngx.shared.reference
local buf = ffi.new("char[?]", STATUS_SIZE)
local time = ffi.new("struct amesh_time")

local _M = {}


-- microseconds of a clock
local function now(clock)
    ffi.C.clock_gettime(clock, time)
    return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end


local function quantile(values, share)
    table_sort(values)
    return values[math_floor((#values - 1) * share + 0.5) + 1]
end


local function median(values)
    return quantile(values, 0.5)
end


-- nanoseconds of this thread for one of many calls
local function each(count, call)
    for _ = 1, count / 10 do
        call()
    end

    local before = now(THREAD)
    for _ = 1, count do
        call()
    end
    return (now(THREAD) - before) * 1000 / count
end


local function start()
    local options = format('{"source":"recording:%s?step=base"}', os_getenv("AMESH_BENCH_MESH"))
    local err = ffi.new("char[?]", ERR_SIZE)
    local before = now(MONOTONIC)
    local rc = library.amesh_start(1, zone_handle.of(config).pointer, zone_handle.of(versions).pointer, options,
                                   #options, err, ERR_SIZE)
    local spent = now(MONOTONIC) - before
    if rc ~= 0 then
        error(ffi_string(err))
    end

    return spent
end


local function stop()
    local before = now(MONOTONIC)
    if library.amesh_stop(10000) ~= 0 then
        error("the library does not stop")
    end

    return now(MONOTONIC) - before
end


local function empty(dict)
    dict:flush_all()
    dict:flush_expired()
end


-- What nginx's own thread notices: how late its timers come, and how long a look into the dictionary takes that
-- another thread may be writing. Until the clock shows `till`, or without it until the whole mesh is there. Returns when it was.
local function follow(late, looks, till)
    local last, changed = versions:get("version"), now(MONOTONIC)
    repeat
        local before = now(MONOTONIC)
        ngx.sleep(0.001)
        local after = now(MONOTONIC)
        late[#late + 1] = after - before - 1000

        config:get("/routes/none")
        looks[#looks + 1] = now(MONOTONIC) - after

        local version = versions:get("version")
        if version ~= last then
            last, changed = version, after
        end
    until till and after > till or not till and last and after - changed > QUIET * 1e6
    return changed
end


-- The objects that the library has written, as pairs.
local function objects()
    local keys, values, bytes = {}, {}, 0
    for _, key in ipairs(config:get_keys(0)) do
        local value = config:get(key)
        if key:sub(1, 1) == "/" and value then
            keys[#keys + 1], values[#values + 1] = key, value
            bytes = bytes + #value
        end
    end

    return keys, values, bytes
end


-- microseconds of this thread in which Lua stores the same objects in a dictionary of the same size
local function store(keys, values)
    empty(reference)
    local before = now(THREAD)
    for i = 1, #keys do
        local ok, err = reference:safe_set(keys[i], values[i])
        if not ok then
            error(err)
        end
    end
    return now(THREAD) - before
end


local function row(...)
    ngx.say("| ", table_concat({ ... }, " | "), " |")
end


local function calls()
    local get = each(CALLS, function() return versions:get("version") end)
    row("a call by FFI on nginx's thread", "ns", "ratio")
    row("---", "---:", "---:")
    row("`ngx.shared` get of a number (nginx's own FFI call)", format("%.0f", get), "1")
    local version = each(CALLS, function() return library.amesh_version() end)
    row("`amesh_version`: C alone", format("%.1f", version), format("%.2f", version / get))
    local status = each(CALLS / 20, function() return library.amesh_status(buf, STATUS_SIZE) end)
    row("`amesh_status`: into managed code and back, as JSON", format("%.0f", status), format("%.0f", status / get))
    ngx.say()
end


local function meshes(rounds)
    local started, stopped, wall, work, stores, late, looks = {}, {}, {}, {}, {}, {}, {}
    local keys, values, bytes
    for round = 1, rounds do
        empty(config)
        empty(versions)
        local cpu, thread, before = now(PROCESS), now(THREAD), now(MONOTONIC)
        started[round] = start()
        local done = follow(late, looks)
        wall[round] = done - before
        -- what nginx's thread itself did in the meantime is this measurement's
        work[round] = now(PROCESS) - cpu - (now(THREAD) - thread)
        keys, values, bytes = objects()
        stores[round] = store(keys, values)
        if round == 1 then
            calls()
        end
        stopped[round] = stop()
    end

    local idle_late, idle_looks = {}, {}
    follow(idle_late, idle_looks, now(MONOTONIC) + 2e6)

    local base = median(stores)
    row(format("a mesh of %d objects, %.1f MB", #keys, bytes / 1e6), "ms", "ratio")
    row("---", "---:", "---:")
    row("Lua stores the same objects, made already", format("%.0f", base / 1e3), "1")
    row("the library reads, translates and stores them: processor time of its threads",
        format("%.0f", median(work) / 1e3), format("%.1f", median(work) / base))
    row("the same, from `amesh_start` to the commit in the zone", format("%.0f", median(wall) / 1e3), "")
    row("of it nginx's thread, in `amesh_start`", format("%.2f", median(started) / 1e3), "")
    row("`amesh_stop`, which waits for its threads", format("%.2f", median(stopped) / 1e3), "")
    ngx.say()

    row("what nginx's thread notices of the writing, µs", "p50", "p99", "longest")
    row("---", "---:", "---:", "---:")
    local function noticed(what, times)
        row(what, format("%.1f", quantile(times, 0.5)), format("%.0f", quantile(times, 0.99)),
            format("%.0f", quantile(times, 1)))
    end

    noticed("a timer is late, nobody writes", idle_late)
    noticed("a timer is late, a mesh is written", late)
    noticed("a look into the dictionary, nobody writes", idle_looks)
    noticed("a look into the dictionary, a mesh is written", looks)
end


function _M.run()
    ngx.say("library ", ffi_string(library.amesh_version()), ", ", os_getenv("AMESH_BENCH_MESH"):match("[^/]+$"), "\n")
    meshes(tonumber(os_getenv("AMESH_BENCH_ROUNDS")))
end


return _M
