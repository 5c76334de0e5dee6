-- Routes that do not come from the mesh, served by a stock router of APISIX. They are told apart by the label
-- amesh_virtual_host, and the stock router is rebuilt only when one of them changes.
local core = require("apisix.core")
local slices = require("apisix.amesh.slices")

local find = string.find
local pairs = pairs
local rawget = rawget
local require = require

local _M = {}

local LABEL = "amesh_virtual_host"
local QUOTED_LABEL = '"' .. LABEL .. '"'

local stock
local view = { values = {}, conf_version = 0 }
local members = {}      -- id -> item
local seen_version


-- Without decoding a route that nobody has used yet: only a text that has the label's name is looked at closely.
local function is_plain(item)
    local text = rawget(item, "json")
    if text and find(text, QUOTED_LABEL, 1, true) and find(text, '"amesh_route_config"', 1, true) then
        return false
    end

    local value = item.value
    return value and not core.table.try_read_attr(value, "labels", LABEL)
end


local function rebuild()
    local values = {}
    for _, item in pairs(members) do
        values[#values + 1] = item
    end

    view.values = values
    view.conf_version = view.conf_version + 1
end


local function follow_all(routes, step)
    local changed = false
    local present = {}
    local values = routes.values or {}
    for position = 1, #values do
        local item = values[position]
        if item and is_plain(item) then
            local id = item.value.id
            present[id] = true
            if members[id] ~= item then
                members[id] = item
                changed = true
            end
        end
        step()
    end

    for id in pairs(members) do
        if not present[id] then
            members[id] = nil
            changed = true
        end
    end
    return changed
end


local function follow_some(routes, ids, step)
    local changed = false
    for id in pairs(ids) do
        local item = routes:peek(id)
        local plain = item and is_plain(item) and item or nil
        if members[id] ~= plain then
            members[id] = plain
            changed = true
        end
        step()
    end
    return changed
end


local function follow_changes(routes, step)
    if seen_version == routes.conf_version then
        return
    end

    local first = seen_version == nil
    seen_version = routes.conf_version
    local ids = routes.take_changes and routes:take_changes()
    local changed
    if first or not ids then
        changed = follow_all(routes, step)
    else
        changed = follow_some(routes, ids, step)
    end

    if changed or first then
        rebuild()
    end
end


-- name: of a stock router in apisix/http/router.
function _M.init(name)
    stock = require("apisix.http.router." .. name)
    stock.user_routes = view
end


-- routes: the provider's object of /routes, from now on followed as it changes.
function _M.follow(routes)
    follow_changes(routes, slices.none)
    routes.after_update = function(step)
        follow_changes(routes, step)
    end
end


function _M.match(ctx, routes)
    follow_changes(routes, slices.none)
    if #view.values == 0 then
        return false
    end

    return stock.match(ctx)
end


return _M
