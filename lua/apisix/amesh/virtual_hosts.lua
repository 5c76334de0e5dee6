-- Virtual hosts by route configuration and domain. The best match is final, whatever its routes say.
--
-- Only the domains of a virtual host are held, not its text. A change touches the domains of the virtual hosts that
-- changed.
local core = require("apisix.core")
local authority = require("apisix.amesh.authority")
local domain_table = require("apisix.amesh.domain_table")
local lists = require("apisix.amesh.lists")
local live = require("apisix.amesh.live")

local ipairs = ipairs
local error = error
local type = type
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub

local _M = {}
local objects
local by_route_config = {}      -- name -> { domains = domain_table of ids, size, ignoring_ports }
local placed = {}               -- id -> { route_config, domains, ignoring_ports, since = modifiedIndex }
local by_age = lists.by_age(placed)


local function withdraw(id)
    local place = placed[id]
    if not place then
        return
    end

    placed[id] = nil
    local index = by_route_config[place.route_config]
    for _, domain in ipairs(place.domains) do
        index.domains:take(domain, id)
    end

    index.size = index.size - 1
    index.ignoring_ports = index.ignoring_ports - place.ignoring_ports
    if index.size == 0 then
        by_route_config[place.route_config] = nil
    end
end


-- What is indexed of a virtual host, without decoding the whole. A key is where its name is followed by a colon: inside
-- a text the quotes would be escaped.
local function indexed_part(text)
    local route_config = match(text, '"route_config":"([^"\\]*)"')
    local from = route_config and find(text, '"domains":[', 1, true)
    local to = from and find(text, '"]', from, true)
    local domains = to and core.json.decode(sub(text, from + #'"domains":', to + 1))
    if domains then
        return route_config, domains, find(text, '"ignore_port":true', 1, true) ~= nil
    end

    local value = core.json.decode(text)
    if type(value) == "table" then
        return value.route_config, value.domains, value.ignore_port
    end
end


local function place(id, text, modified_index)
    withdraw(id)
    if text == true then
        text, modified_index = live.read("/virtual_hosts/" .. id)
    end

    local route_config, domains, ignore_port
    if text then
        route_config, domains, ignore_port = indexed_part(text)
    end
    if not route_config or not domains then
        return
    end

    local index = by_route_config[route_config]
    if not index then
        index = { domains = domain_table.new(by_age), size = 0, ignoring_ports = 0 }
        by_route_config[route_config] = index
    end

    local ignoring_ports = ignore_port and 1 or 0
    index.size = index.size + 1
    index.ignoring_ports = index.ignoring_ports + ignoring_ports
    placed[id] = {
        since = modified_index,
        route_config = route_config,
        domains = domains,
        ignoring_ports = ignoring_ports,
    }

    for _, domain in ipairs(domains) do
        index.domains:put(domain, id)
    end
end


local function known()
    return placed
end


-- How the index follows the objects.
_M.tracker = { set = place, remove = withdraw, known = known }


function _M.init_worker()
    local err
    objects, err = core.config.new("/virtual_hosts", { automatic = true })
    if not objects then
        error("failed to follow /virtual_hosts: " .. err)
    end

    -- A large change is taken over in slices: requests find what is placed by then.
    if objects.track and core.config.serves_requests() then
        objects:track(_M.tracker)
    end
end


-- host: authority of the request. Returns the item of /virtual_hosts, and whether only "*" matched; nil when none
-- does. ignore_port: the listener asks to leave the port out of the comparison.
function _M.find(route_config, host, ignore_port)
    host = lower(host)

    while true do
        local index = by_route_config[route_config]
        if not index then
            return nil
        end

        local name = host
        if ignore_port or index.ignoring_ports > 0 then
            name = authority.without_port(host)
        end

        local id, only_any = index.domains:find(name)
        if not id then
            return nil
        end

        -- at its first use it may turn out to be gone, or of no use: then another has its place, or none
        local item = objects:get(id)
        if item then
            return item, only_any
        end
        withdraw(id)
    end
end


-- Looks for something newer of a virtual host that names what is gone; true when there is.
function _M.renew(item)
    return objects:renew(item.value.id)
end


return _M
