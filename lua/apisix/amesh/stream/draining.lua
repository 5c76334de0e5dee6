-- TCP connections whose filter chain or TCP proxy the mesh has changed or taken back. As with Envoy they go on for as
-- long as listeners are drained (--drain-time-s there, plugin_attr.amesh.drain_time here), and end then: what a mesh no
-- longer allows must not last for as long as somebody holds a connection. Those whose chain is still there, word for
-- word, stay.
local ffi = require("ffi")
local config_local = require("apisix.core.config_local")
local log = require("apisix.core.log")
local core_table = require("apisix.core.table")
local background = require("apisix.amesh.background")
local connection = require("apisix.amesh.connection")
local filter_chains = require("apisix.amesh.filter_chains")

local C = ffi.C
local deep_eq = core_table.deep_eq
local ipairs = ipairs
local min = math.min
local next = next
local ngx_now = ngx.now
local pairs = pairs

ffi.cdef[[
int shutdown(int fd, int how);
]]

local _M = {}

-- seconds, as Envoy has it where it is not told
local DRAIN_TIME = 600
local INTERVAL = 1
local SHUT_RDWR = 2

-- sets of what handed.lua calls found
local followed = {}
-- of these the ones that no look has seen: the mesh may have changed since their chain was chosen
local new = {}
local ending = {}
local listeners, routes, listeners_version, routes_version
local drain_time, watcher


local function kinds()
    local config = require("apisix.core").config
    listeners = listeners or config.fetch_created_obj("/listeners")
    routes = routes or config.fetch_created_obj("/stream_routes")
    return listeners and routes
end


local function has_chain(id, chain)
    local item = listeners:get(id)
    local value = item and item.value
    if not value then
        return false
    end

    for _, one in ipairs(value.chains or {}) do
        if one == chain or deep_eq(one, chain) then
            return true
        end
    end
    return value.default_chain ~= nil and deep_eq(value.default_chain, chain)
end


-- The chain is in the object that it came from, or is still the one that takes such connections: a default chain
-- stands in another.
local function has_its_chain(found)
    local chain = found.chain
    return has_chain(found.listener.id, chain) or deep_eq(filter_chains.match(found.about), chain)
end


local function has_its_proxy(found)
    local item = routes:get(found.chain.stream_route)
    local now, before = item and item.value, found.proxy
    return now == before or now and deep_eq(now.plugins, before.plugins) and now.upstream_id == before.upstream_id
end


local function look_at(connections, now)
    for found in pairs(connections) do
        if not found.until_ and not (has_its_chain(found) and has_its_proxy(found)) then
            found.until_ = now + drain_time
            ending[found] = true
        end
    end
end


local function look_for_changes(now)
    if listeners_version ~= listeners.conf_version or routes_version ~= routes.conf_version then
        listeners_version, routes_version = listeners.conf_version, routes.conf_version
        look_at(followed, now)
    else
        look_at(new, now)
    end
    new = {}
end


-- The client hears no more, and what it says goes nowhere; the endpoint hears the end. nginx closes the connection when
-- the endpoint does, or says something, or when it has been idle for too long.
local function finish(found, now)
    if found.until_ <= now then
        ending[found] = nil
        log.info("closed a connection to ", connection.join(found.about.destination_ip, found.about.destination_port),
                 ": its filter chain has changed, or is gone")
        C.shutdown(found.fd, SHUT_RDWR)
    end
end


local function step(leaving)
    -- a worker that ends follows the mesh no more
    if leaving or not kinds() then
        return false
    end

    local now = ngx_now()
    look_for_changes(now)
    for found in pairs(ending) do
        finish(found, now)
    end
    return next(followed) ~= nil
end


-- The connection begins; found: see handed.lua, with the value of its stream route as `proxy`.
function _M.follow(found)
    if not drain_time then
        local attributes = core_table.try_read_attr(config_local.local_conf(), "plugin_attr", "amesh") or {}
        drain_time = attributes.drain_time or DRAIN_TIME
        watcher = background.new(min(INTERVAL, drain_time / 4), step)
    end

    followed[found], new[found] = true, true
    watcher:wake()
end


-- The connection is over: its descriptor may be another's by the next moment.
function _M.forget(found)
    followed[found], new[found], ending[found] = nil, nil, nil
end


return _M
