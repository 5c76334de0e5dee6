-- Virtual hosts by route configuration and domain, found as Envoy finds them: exact name, then the longest matching
-- `*.suffix`, then the longest matching `prefix.*`, then `*`. The best match is final, whatever its routes say.
--
-- Only the domains of a virtual host are held, not its text. A change touches the domains of the virtual hosts that
-- changed.
local core = require("apisix.core")
local authority = require("apisix.amesh.authority")
local live = require("apisix.amesh.live")

local ipairs = ipairs
local error = error
local type = type
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local sort = table.sort
local remove = table.remove

local _M = {}
local objects
local by_route_config = {}
local placed = {}       -- id -> { route_config, domains, ignoring_ports, since = modifiedIndex }


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
    local a_index, b_index = placed[a].since, placed[b].since
    if a_index == b_index then
        return a < b
    end
    return a_index < b_index
end


-- Several virtual hosts can claim a domain for a moment, while one takes it over from another: the youngest has it,
-- which is last in its list. A single one stands without a list, as nearly all do.
local function push(owners, name, id)
    local known = owners[name]
    if not known then
        owners[name] = id
        return
    end

    local list = type(known) == "table" and known or { known }
    list[#list + 1] = id
    sort(list, by_age)
    owners[name] = list
end


local function pull(owners, name, id)
    local known = owners[name]
    if known == id then
        owners[name] = nil
        return
    end

    if type(known) ~= "table" then
        return
    end
    for position, owner in ipairs(known) do
        if owner == id then
            remove(known, position)
            break
        end
    end
    if #known == 1 then
        owners[name] = known[1]
    end
end


local function last(known)
    return type(known) == "table" and known[#known] or known
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
        index = new_index()
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
        with_domain(index, domain, push, add_wildcard, id)
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


local function find_id(index, host)
    local id = last(index.exact[host]) or find_suffix(index.suffix, host) or find_prefix(index.prefix, host)
    if id then
        return id, false
    end

    return last(index.any["*"]), true
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

        local id, only_any = find_id(index, name)
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
