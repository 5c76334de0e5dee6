-- Virtual hosts by route configuration and domain, found as Envoy finds them: exact name, then the longest matching
-- `*.suffix`, then the longest matching `prefix.*`, then `*`. The best match is final, whatever its routes say.
--
-- Only the domains of a virtual host are indexed. A change touches the domains of the virtual hosts that changed.
local core = require("apisix.core")
local authority = require("apisix.amesh.authority")

local ipairs = ipairs
local pairs = pairs
local error = error
local lower = string.lower
local sub = string.sub
local sort = table.sort
local remove = table.remove

local _M = {}
local objects
local seen_version
local by_route_config = {}
local placed = {}       -- id -> { item, route_config, domains }


local function new_wildcards()
    return { lengths = {}, count = {}, names = {} }
end


local function new_index()
    return {
        exact = {},
        suffix = new_wildcards(),
        prefix = new_wildcards(),
        any = {},
        size = 0,
        ignoring_ports = 0,
    }
end


local function by_descending(a, b)
    return a > b
end


local function by_age(a, b)
    local a_index, b_index = placed[a].item.modifiedIndex, placed[b].item.modifiedIndex
    if a_index == b_index then
        return a < b
    end
    return a_index < b_index
end


-- Several virtual hosts can claim a domain for a moment, while one takes it over from another: the youngest has it,
-- which is last in its list.
local function push(owners, name, id)
    local list = owners[name]
    if not list then
        owners[name] = { id }
        return
    end

    list[#list + 1] = id
    sort(list, by_age)
end


local function pull(owners, name, id)
    local list = owners[name]
    for position, owner in ipairs(list or {}) do
        if owner == id then
            remove(list, position)
            break
        end
    end

    if list and #list == 0 then
        owners[name] = nil
    end
end


local function add_wildcard(wildcards, name, id)
    push(wildcards.names, name, id)

    local length = #name
    local count = wildcards.count[length] or 0
    wildcards.count[length] = count + 1
    if count == 0 then
        wildcards.lengths[#wildcards.lengths + 1] = length
        sort(wildcards.lengths, by_descending)
    end
end


local function remove_wildcard(wildcards, name, id)
    pull(wildcards.names, name, id)

    local length = #name
    wildcards.count[length] = wildcards.count[length] - 1
    if wildcards.count[length] == 0 then
        wildcards.count[length] = nil
        for position, known in ipairs(wildcards.lengths) do
            if known == length then
                remove(wildcards.lengths, position)
                break
            end
        end
    end
end


-- Calls on_exact(owners, name) or on_wildcard(wildcards, name) for a domain.
local function with_domain(index, domain, on_exact, on_wildcard, id)
    domain = lower(domain)
    if domain == "*" then
        on_exact(index.any, "*", id)
    elseif sub(domain, 1, 1) == "*" then
        on_wildcard(index.suffix, sub(domain, 2), id)
    elseif sub(domain, -1) == "*" then
        on_wildcard(index.prefix, sub(domain, 1, -2), id)
    else
        on_exact(index.exact, domain, id)
    end
end


local function withdraw(id)
    local place = placed[id]
    if not place then
        return
    end

    placed[id] = nil
    local index = by_route_config[place.route_config]
    for _, domain in ipairs(place.domains) do
        with_domain(index, domain, pull, remove_wildcard, id)
    end

    index.size = index.size - 1
    index.ignoring_ports = index.ignoring_ports - place.ignoring_ports
    if index.size == 0 then
        by_route_config[place.route_config] = nil
    end
end


local function place(id, item)
    local value = item.value
    local route_config = value.route_config
    if not route_config or not value.domains then
        return
    end

    local index = by_route_config[route_config]
    if not index then
        index = new_index()
        by_route_config[route_config] = index
    end

    local ignoring_ports = value.ignore_port and 1 or 0
    index.size = index.size + 1
    index.ignoring_ports = index.ignoring_ports + ignoring_ports
    placed[id] = {
        item = item,
        route_config = route_config,
        domains = value.domains,
        ignoring_ports = ignoring_ports,
    }

    for _, domain in ipairs(value.domains) do
        with_domain(index, domain, push, add_wildcard, id)
    end
end


local function refresh(id)
    local item = objects:get(id)
    local known = placed[id]
    if known and item and known.item == item then
        return
    end

    withdraw(id)
    if item and item.value then
        place(id, item)
    end
end


local function refresh_all()
    local present = {}
    for _, item in ipairs(objects.values or {}) do
        local id = item and item.value and item.value.id
        if id then
            present[id] = true
            refresh(id)
        end
    end

    for id in pairs(placed) do
        if not present[id] then
            withdraw(id)
        end
    end
end


function _M.init_worker()
    local err
    objects, err = core.config.new("/virtual_hosts", { automatic = true, track_changes = true })
    if not objects then
        error("failed to follow /virtual_hosts: " .. err)
    end
end


local function follow_changes()
    if not objects or seen_version == objects.conf_version then
        return
    end

    local first = seen_version == nil
    seen_version = objects.conf_version
    local changes = objects.take_changes and objects:take_changes()
    if first or not changes then
        return refresh_all()
    end

    for id in pairs(changes) do
        refresh(id)
    end
end


local function last(list)
    return list and list[#list]
end


local function find_suffix(wildcards, host)
    local names, size = wildcards.names, #host
    for _, length in ipairs(wildcards.lengths) do
        if length < size then
            local owners = names[sub(host, size - length + 1)]
            if owners then
                return last(owners)
            end
        end
    end
end


local function find_prefix(wildcards, host)
    local names, size = wildcards.names, #host
    for _, length in ipairs(wildcards.lengths) do
        if length < size then
            local owners = names[sub(host, 1, length)]
            if owners then
                return last(owners)
            end
        end
    end
end


-- host: authority of the request. Returns the item of /virtual_hosts, and whether only "*" matched; nil when none
-- does. ignore_port: the listener asks to leave the port out of the comparison.
function _M.find(route_config, host, ignore_port)
    follow_changes()

    local index = by_route_config[route_config]
    if not index then
        return nil
    end

    host = lower(host)
    if ignore_port or index.ignoring_ports > 0 then
        host = authority.without_port(host)
    end

    local id = last(index.exact[host]) or find_suffix(index.suffix, host) or find_prefix(index.prefix, host)
    local only_any = not id
    id = id or last(index.any["*"])
    if not id then
        return nil
    end

    return placed[id].item, only_any
end


return _M
