--- Configuration from the shared dictionaries that libxds.so fills. Takes the place of APISIX's own
-- apisix/core/config_xds.lua through `apisix.extra_lua_path`; the interface is that of APISIX's providers.
--
-- One timer per process looks at the commit number every few milliseconds and applies a commit to all kinds at once.
-- Unchanged items keep their table and their modifiedIndex, so that routers, balancers, health checkers and plugin
-- contexts survive. Start-up never waits: a worker serves what is in the zone and gets the rest when it is there.
--
-- @module core.config_xds
local config_local = require("apisix.core.config_local")
local config_util = require("apisix.core.config_util")
local json = require("apisix.core.json")
local log = require("apisix.core.log")
local try_read_attr = require("apisix.core.table").try_read_attr
local background = require("apisix.amesh.background")
local amesh_commits = require("apisix.amesh.commits")
local amesh_item = require("apisix.amesh.item")
local amesh_kind = require("apisix.amesh.kind")
local amesh_library = require("apisix.amesh.library")
local amesh_sparse_kind = require("apisix.amesh.sparse_kind")
local amesh_zone = require("apisix.amesh.zone")
local amesh_zones = require("apisix.amesh.zones")
local ending = require("apisix.amesh.ending")
local handover = require("apisix.amesh.handover")
local live = require("apisix.amesh.live")
local own_objects = require("apisix.amesh.own_objects")
local references = require("apisix.amesh.references")
local slices = require("apisix.amesh.slices")
local succession = require("apisix.amesh.succession")

local ngx = ngx
local exiting = ngx.worker.exiting
local ngx_sleep = ngx.sleep
local ngx_now = ngx.now
local timer_at = ngx.timer.at
local is_http = ngx.config.subsystem == "http"
local ipairs = ipairs
local package = package
local pairs = pairs
local pcall = pcall
local setmetatable = setmetatable
local str_sub = string.sub
local type = type

local has_process, process = pcall(require, "ngx.process")


local LIBRARY_ERROR = "amesh/library_error"
local POLL_INTERVAL = 0.01
-- seconds in which a reload leaves the cores to the new workers, before the library takes the whole mesh in anew
local LIBRARY_DELAY = 1
local MODULES = is_http and { "apisix.plugins.amesh", "apisix.http.router.amesh", "apisix.ssl.router.amesh" }
                or { "apisix.stream.plugins.amesh", "apisix.amesh.stream.capture", "apisix.amesh.stream.routes",
                     "apisix.amesh.stream.attempts", "apisix.amesh.stream.transparent", "apisix.amesh.stream.cluster",
                     "apisix.amesh.stream.upstream_tls", "apisix.amesh.stream.downstream_tls" }
local STREAM_STATUS = "amesh/stream/"
local NO_ZONES = "no xDS configuration: shared dictionaries xds-config and xds-config-version are missing; "
                 .. "add to config.yaml: nginx_config: http: custom_lua_shared_dict: {xds-config: 64m, "
                 .. "xds-config-version: 1m}"
local NO_ZONES_FOR_STREAM = "no xDS configuration for the stream subsystem: its dictionaries are nginx's http block's, "
                            .. "so apisix.proxy_mode must be http&stream"


local _M = {
    version = 0.1,
    local_conf = config_local.local_conf,
}

local created_obj = {}
amesh_commits.init(created_obj)
local reader
local applied           -- the last commit that is wholly in force here
local has_privileged_agent = false
local holder = false
local library_error
local config_zone, version_zone, notes    -- handles of the dictionaries

local function describe(self)
    return "xds key: " .. (self.key or "")
end


local mt = {
    __index = function(_, field)
        return _M[field] or amesh_kind[field]
    end,
    __tostring = describe,
}

-- whoever looks at all items gets them made for him
local sparse_mt = {
    __index = function(self, field)
        if field == "values" then
            return (self:all())
        elseif field == "values_hash" then
            local _, hash = self:all()
            return hash
        end
        return _M[field] or amesh_sparse_kind[field]
    end,
    __tostring = describe,
}


-- The stock routers do not know that a route's predicates are on variables that somebody has to make first.
local function ensure_variables(value)
    if type(value.vars) == "table" then
        require("apisix.amesh.variables").ensure_all(value.vars)
    end
end


-- For kinds that name upstreams: a function that reads those that a value names, and says whether all are there.
local function read_references(key)
    local each = references.of(key)
    return each and function(value)
        local upstreams = created_obj["/upstreams"]
        local complete = true
        each(value, function(id)
            if upstreams and not upstreams:get(id) and not upstreams.refused[id] then
                complete = false
            end
        end)
        return complete
    end
end


-- The control API runs in the other Lua VM.
local function note_stream_status()
    -- in the place of a worker that ends is another
    if not is_http and notes and not exiting() then
        notes:set(STREAM_STATUS .. ngx.worker.id(), json.encode(_M.process_status()))
    end
end


local function sync(step)
    local change = reader:poll(ngx_now(), step)
    if change then
        amesh_commits.apply(change, step)
        applied = change.version
        note_stream_status()
        log.info(is_http and "applied commit " or "stream subsystem is at commit ", change.version)
    elseif reader:is_settled() then
        amesh_commits.look_again()
    end
end


local function attributes()
    local conf = config_local.local_conf()
    return try_read_attr(conf, "plugin_attr", "amesh") or {}
end


local function sync_at_once()
    local ok, err = pcall(sync, slices.none)
    if not ok then
        log.error("failed to read the xDS configuration: ", err)
    end
end


local function watch(leaving)
    if leaving then
        ending.begin(sync_at_once)
        amesh_library.stop()
        return false
    end

    local ok, err = pcall(sync, slices.new())
    if not ok then
        log.error("failed to read the xDS configuration: ", err)
        ngx_sleep(1)
    end
    return true
end


-- Other processes are asked for it, too.
local function note_library_error(err)
    library_error = err
    if notes then
        notes:set(LIBRARY_ERROR, err)
    end
end


local function is_privileged_agent()
    return has_process and process.type() == "privileged agent"
end


local function loads_library()
    if not is_http or not has_process then
        return false
    end

    return is_privileged_agent() or not has_privileged_agent and ngx.worker.id() == 0
end


---
-- @tparam string key the kind, e.g. "/routes"
-- @tparam table opts as in APISIX's other providers: automatic, item_schema, checker, filter, single_item;
-- and `track_changes`, which makes `take_changes` work. Whoever asks for a kind once more has objects of his own, with
-- his own checks.
function _M.new(key, opts)
    opts = opts or {}
    if opts.automatic and not key then
        return nil, "missing `key` argument"
    end

    local sparse = key and not opts.single_item and amesh_sparse_kind.takes(key)
    local obj = (sparse and amesh_sparse_kind or amesh_kind).init(setmetatable({
        key = key,
        automatic = opts.automatic,
        item_schema = opts.item_schema,
        checker = opts.checker,
        filter = opts.filter,
        single_item = opts.single_item,
        running = true,
        sync_times = 0,
        read_references = read_references(key),
        decoded = is_http and key == "/routes" and ensure_variables or nil,
        also = key and created_obj[key],
    }, sparse and sparse_mt or mt), opts.track_changes)

    if key then
        created_obj[key] = obj
    end

    if obj.automatic then
        local ok, err = pcall(amesh_commits.claim, obj)
        if not ok then
            log.error("failed to read ", key, " from the xDS configuration: ", err)
        end
    end

    return obj
end


function _M.getkey(self, key)
    if not self.running then
        return nil, "stopped"
    end

    return config_zone and (config_zone:get(key))
end


function _M.close(self)
    self.running = false
end


function _M.server_version()
    return "xds " .. _M.version
end


function _M.fetch_created_obj(key)
    return created_obj[key]
end


function _M.fetch_all_created_obj()
    return created_obj
end


-- Number of the last commit applied in this process; nil before the first. Commit 0 is what the user has put beside
-- the mesh.
function _M.applied_version()
    return applied ~= 0 and applied or nil
end


-- What this process has of the configuration, and what the zone has.
function _M.process_status()
    local used, refused = {}, {}
    for key, obj in pairs(created_obj) do
        if obj.automatic then
            used[str_sub(key, 2)] = obj:used()
            for id, why in pairs(obj.refused) do
                refused[key .. "/" .. id] = why
            end
        end
    end

    return {
        worker = ngx.worker.id(),
        pid = ngx.worker.pid(),
        applied = applied or 0,
        commit = version_zone and (version_zone:get("version")) or 0,
        pending = version_zone and (version_zone:get("amesh/pending")) or 0,
        epoch = version_zone and (version_zone:get("amesh/epoch")) or 0,
        used = used,
        refused = refused,
    }
end


-- The same of the stream subsystem's Lua VM in each worker, where it has one.
function _M.stream_status()
    local all = {}
    for id = 0, ngx.worker.count() - 1 do
        local text = notes and notes:get(STREAM_STATUS .. id)
        all[#all + 1] = text and json.decode(text)
    end
    return #all > 0 and all or nil
end


-- How many objects of each kind are in the zone.
function _M.count_objects()
    local counts = {}
    for kind, ids in pairs(live.ids_by_kind()) do
        local count = 0
        for _ in pairs(ids) do
            count = count + 1
        end
        counts[str_sub(kind, 2)] = count
    end
    return counts
end


-- Why there is no library; nil when there is one, or nobody has said.
function _M.library_error()
    return library_error or (notes and (notes:get(LIBRARY_ERROR)))
end


-- Called when the process ends.
function _M.stop_library()
    amesh_library.stop()
end


-- Whether requests come to this process.
function _M.serves_requests()
    return not is_privileged_agent()
end


-- Whether this process is the one that loads the library.
function _M.holds_library()
    return holder
end


-- Status of the library, JSON: from the library itself in the process that holds it, else what it left in the zone.
function _M.library_status()
    return amesh_library.status() or (version_zone and (version_zone:get("amesh/status")))
end


-- Whoever goes through all items of a kind (control API, exporters) wants them decoded.
local function decode_in_iterators()
    local iterate_values = config_util.iterate_values
    if not iterate_values or config_util.amesh_iterate_values then
        return
    end

    config_util.amesh_iterate_values = iterate_values
    config_util.iterate_values = function(values)
        if type(values) == "table" then
            for index = 1, #values do
                local item = values[index]
                if type(item) == "table" and amesh_item.is_unused(item) then
                    amesh_item.touch(item)
                end
            end
        end
        return iterate_values(values)
    end
end


local function follow_zones()
    live.init_worker(config_zone)
    reader = amesh_zone.new(config_zone, version_zone)
    reader.needs = amesh_commits.needs
    -- indices are the HTTP side's
    reader.skips = not is_http and amesh_commits.skips or nil
end


-- A reload: what the zones have is read and indexed once, before nginx's processes are made, and each of them has it.
-- The old ones serve meanwhile, and stop a moment after the new ones are there.
local function prepare()
    config_zone, version_zone, notes = amesh_zones.find()
    if not config_zone then
        return
    end

    if is_http then
        own_objects.load(config_zone, version_zone, attributes().objects)
    end
    follow_zones()
    sync(slices.none)
    local conf = config_local.local_conf()
    if applied and is_http and try_read_attr(conf, "apisix", "router", "http") == "amesh" then
        for kind, index in pairs({ ["/virtual_hosts"] = "virtual_hosts", ["/routes"] = "plain_routes" }) do
            amesh_commits.prepare(kind, require("apisix.amesh." .. index).tracker)
        end
    end
end


-- Modules that every process needs: read once, before nginx's processes are made, and not by each while requests
-- wait for it in a reload.
local function load_ahead()
    for _, name in ipairs(MODULES) do
        local ok, err = pcall(require, name)
        if not ok then
            log.warn("not loaded ahead: ", err)
            -- Lua marks what it is loading, and would not try again
            for loaded, value in pairs(package.loaded) do
                if type(value) == "userdata" then
                    package.loaded[loaded] = nil
                end
            end
        end
    end
end


-- Init phase: APISIX has asked for a privileged agent by now; ask again to learn whether this nginx can have one.
function _M.init()
    if is_http and has_process then
        local ok, enabled = pcall(process.enable_privileged_agent)
        has_privileged_agent = ok and enabled and true or false
    end

    succession.init()
    load_ahead()
    local ok, err = pcall(prepare)
    if not ok then
        log.error("failed to read the xDS configuration ahead: ", err)
    end
    return true
end


-- Whether this process has read a commit. A first one (what the library keeps on disk) may be followed at once by the
-- next (what the control plane sends), and while that is written nothing can be read.
local function has_configuration()
    if (version_zone:get("version") or 0) == 0 then
        return false
    end

    ngx.update_time()
    pcall(sync, slices.none)
    return _M.applied_version() ~= nil
end


local function start_library(premature)
    if premature then
        return
    end

    local path, err = amesh_library.start(config_zone, version_zone, attributes())
    note_library_error(err)
    if path then
        log.notice("xDS library started: ", path)
    else
        log.error("no xDS library, the configuration in the zone stays as it is: ", err)
    end
end


function _M.init_worker()
    if is_http and _M.applied_version() and is_privileged_agent() then
        succession.give_way()
    end
    decode_in_iterators()
    amesh_zones.init_worker()

    config_zone, version_zone, notes = amesh_zones.find()
    if not config_zone then
        library_error = is_http and NO_ZONES or NO_ZONES_FOR_STREAM
        log.error(library_error)
        return true
    end

    holder = loads_library()
    if holder and not (_M.applied_version() and timer_at(LIBRARY_DELAY, start_library)) then
        start_library()
    end
    if not is_http and is_privileged_agent() then
        return true     -- it takes no connections
    end
    handover.init_worker()

    if not reader then
        follow_zones()
    end
    -- Before the first request: nothing can wait here, and nothing has to. A process without requests leaves it to the
    -- timer, so that workers that start together have the cores for themselves.
    if applied then
        log.info("applied commit ", applied, " before the process was made")
    end
    if not is_privileged_agent() then
        if succession.wait(has_configuration) then
            log.notice("waited for a first commit, since the nginx before this one still serves")
        end
        sync_at_once()
    end

    local ok, err = background.new(attributes().poll_interval or POLL_INTERVAL, watch):wake()
    if not ok then
        return nil, "failed to create the timer that follows the xDS configuration: " .. err
    end

    return true
end


return _M
