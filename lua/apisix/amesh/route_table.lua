-- The routes of one virtual host in Envoy's order, with their predicates compiled: first match wins.
--
-- A table is built when its virtual host is first asked for. When some route of the mesh changed, the routes of a
-- virtual host are compared by identity at its next request, and only those that changed are compiled again.
local core = require("apisix.core")
local expr = require("resty.expr.v1")
local variables = require("apisix.amesh.variables")

local ipairs = ipairs
local setmetatable = setmetatable
local type = type

local _M = {}
local tables = setmetatable({}, { __mode = "k" })    -- item of /virtual_hosts -> table

local ALWAYS = {
    eval = function()
        return true
    end,
}


-- Predicates of a route without the leading one on amesh_route_config, which the router has decided already.
local function own_vars(vars)
    if not vars then
        return nil
    end

    local first = vars[1]
    if type(first) ~= "table" or first[1] ~= "amesh_route_config" then
        return vars
    end

    local rest = {}
    for position = 2, #vars do
        rest[position - 1] = vars[position]
    end
    return rest
end


local function compile(item)
    local vars = own_vars(item.value.vars)
    if not vars or #vars == 0 then
        return ALWAYS
    end

    variables.ensure_all(vars)
    local compiled, err = expr.new(vars)
    if not compiled then
        core.log.error("route ", item.key, " never matches, its vars cannot be used: ", err)
        return nil
    end

    return compiled
end


-- Also says whether a route is missing that the virtual host names.
local function build(ids, routes, old)
    local entries, count = {}, 0
    local is_missing = false
    for _, id in ipairs(ids) do
        local item = routes:get(id)
        is_missing = is_missing or not item and not routes.refused[id]
        if item and item.value.status ~= 0 then
            local known = old and old[id]
            if not known or known.item ~= item then
                known = { item = item, predicate = compile(item) }
            end
            if known.predicate then
                count = count + 1
                entries[count] = known
                entries[id] = known
            end
        end
    end

    return entries, is_missing
end


-- virtual_host: an item of /virtual_hosts. routes: the provider's object of /routes.
local function table_of(virtual_host, routes)
    local known = tables[virtual_host]
    if not known or known.version ~= routes.conf_version then
        local entries, is_missing = build(virtual_host.value.routes or {}, routes, known and known.entries)
        known = { version = routes.conf_version, entries = entries, is_missing = is_missing }
        tables[virtual_host] = known
    end

    return known
end


-- Whether the virtual host names a route that is not there: a commit that has not been applied yet has taken it away,
-- and has changed the virtual host before.
function _M.is_missing(virtual_host, routes)
    return table_of(virtual_host, routes).is_missing
end


-- The item of the first route that matches, or nil.
function _M.match(virtual_host, routes, vars)
    for _, entry in ipairs(table_of(virtual_host, routes).entries) do
        local matched, err = entry.predicate:eval(vars)
        if matched then
            return entry.item
        end
        if err then
            core.log.error("failed to evaluate the vars of ", entry.item.key, ": ", err)
        end
    end

    return nil
end


return _M
