-- The mesh in APISIX's prometheus plugin, where that is enabled: apisix_amesh_... beside its own metrics.
--
-- Once a second each process says which commit it has applied; the one that holds the library adds the library's state.
-- The metrics are registered in every process, since any of them may be the one that is scraped (3.9) or that
-- prepares what is scraped (the privileged agent in 3.18).
local core = require("apisix.core")
local background = require("apisix.amesh.background")
local status = require("apisix.amesh.status")

local package = package
local pairs = pairs
local pcall = pcall
local setmetatable = setmetatable
local tostring = tostring
local type = type

local _M = {}

local INTERVAL = 1
-- what a process that is gone has left behind is forgotten
local EXPIRES = 60
local EXPORTER = "apisix.plugins.prometheus.exporter"

local GAUGES = {
    applied_commit = { "Last commit of the mesh's configuration that a worker has applied", { "worker" } },
    refused_objects = { "Objects of the mesh's configuration that a worker cannot use", { "worker" } },
    commit = { "Last commit in the shared dictionaries" },
    commit_refused = { "1 when the last change could not be written to the shared dictionaries" },
    connected = { "1 when the library follows its source" },
    library_running = { "1 when libxds.so runs" },
    objects = { "Objects that the library holds, by kind", { "kind" } },
    checked_endpoints = { "Endpoints whose health is checked" },
    unhealthy_endpoints = { "Checked endpoints that are unhealthy" },
    diagnostics = { "What is done otherwise than Envoy does it, by severity", { "severity" } },
}

local COUNTERS = {
    nacks_total = "Responses of the control plane that were refused, at least in part",
    updates_total = "Responses of the control plane that were taken",
    reconnects_total = "Streams to the control plane after the first, those that failed among them",
}

local running = false
local registered = setmetatable({}, { __mode = "k" })   -- prometheus object -> its metrics, which it takes once
local metrics           -- those of the one in use
local counted = {}      -- counter -> how much of the library's number has been added


local function exporter_prometheus()
    local exporter = package.loaded[EXPORTER]
    -- where loading it failed, Lua leaves a mark there that is no table
    return type(exporter) == "table" and exporter.get_prometheus and exporter.get_prometheus()
end


local function register(prometheus)
    metrics = {}
    for name, one in pairs(GAUGES) do
        metrics[name] = prometheus:gauge("amesh_" .. name, one[1], one[2], EXPIRES)
    end
    for name, help in pairs(COUNTERS) do
        metrics[name] = prometheus:counter("amesh_" .. name, help)
    end
    registered[prometheus] = metrics
end


local function set_each(gauge, values)
    for name, value in pairs(values or {}) do
        gauge:set(value, { name })
    end
end


local function set_library(library)
    metrics.library_running:set(library and library.state ~= "stopped" and 1 or 0)
    metrics.connected:set(library and library.state == "connected" and 1 or 0)
    if not library then
        return
    end

    metrics.commit_refused:set(library.commit_error and 1 or 0)
    metrics.checked_endpoints:set(library.checked_endpoints or 0)
    metrics.unhealthy_endpoints:set(library.unhealthy_endpoints or 0)
    set_each(metrics.objects, library.objects)
    set_each(metrics.diagnostics, library.diagnostics)
    for name in pairs(COUNTERS) do
        local total = library[name:sub(1, -#"_total" - 1)] or 0
        local more = total - (counted[name] or 0)
        -- a zero makes the counter show
        if more > 0 or counted[name] == nil then
            metrics[name]:inc(more)
        end
        counted[name] = total
    end
end


local function count(entries)
    local total = 0
    for _ in pairs(entries) do
        total = total + 1
    end
    return total
end


function _M.update()
    local prometheus = exporter_prometheus()
    if not prometheus or not core.config.process_status then
        return
    end

    metrics = registered[prometheus]
    if not metrics then
        register(prometheus)
    end

    local mine = core.config.process_status()
    local worker = { mine.worker and tostring(mine.worker) or "privileged agent" }
    metrics.applied_commit:set(mine.applied, worker)
    metrics.refused_objects:set(count(mine.refused), worker)
    if core.config.holds_library() then
        metrics.commit:set(mine.commit)
        set_library(not core.config.library_error() and status.library() or nil)
    end
end


local function update_softly()
    local ok, err = pcall(_M.update)
    if not ok then
        core.log.error("failed to update the metrics of the mesh: ", err)
    end
end


local updater = background.new(INTERVAL, function(leaving)
    if running and not leaving then
        update_softly()
        return true
    end
end)


function _M.start()
    running = true
    update_softly()
    local ok, err = updater:wake()
    if not ok then
        core.log.error("the metrics of the mesh are not updated, failed to create a timer: ", err)
    end
end


function _M.stop()
    running = false
end


return _M
