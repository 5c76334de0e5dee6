-- Routes that do not come from the mesh, served by a stock router of APISIX. They are told apart by the label
-- amesh_virtual_host, and the stock router is rebuilt only when one of them changes.
local core = require("apisix.core")
local live = require("apisix.amesh.live")

local find = string.find
local pairs = pairs
local require = require

local _M = {}

local LABEL = "amesh_virtual_host"
local QUOTED_LABEL = '"' .. LABEL .. '"'

local stock
local view = { values = {}, conf_version = 0 }
local members = {}      -- id -> true
local routes            -- the provider's object of /routes
local stale = true      -- whether the view has to be made again


-- Without decoding a route of the mesh: only a text that has the label's name is looked at closely.
local function is_plain(id, text)
    if text == true then
        local key = "/routes/" .. id
        text = not live.is_of_library(key) and live.read(key)
    end
    if not text then
        return false
    end

    if find(text, QUOTED_LABEL, 1, true) and find(text, '"amesh_route_config"', 1, true) then
        return false
    end

    -- not yet known before nginx's processes are made
    local item = not routes or routes:get(id)
    return item == true or item ~= nil and not core.table.try_read_attr(item.value, "labels", LABEL)
end


local function set(id, text)
    local plain = is_plain(id, text) or nil
    if plain or members[id] then
        members[id] = plain
        stale = true
    end
end


local function remove(id)
    if members[id] then
        members[id] = nil
        stale = true
    end
end


local function known()
    return members
end


-- How the routes are told apart as they change.
_M.tracker = { set = set, remove = remove, known = known }


local function rebuild()
    local values = {}
    for id in pairs(members) do
        values[#values + 1] = routes:get(id)
    end

    view.values = values
    view.conf_version = view.conf_version + 1
    stale = false
end


-- name: of a stock router in apisix/http/router.
function _M.init(name)
    stock = require("apisix.http.router." .. name)
    stock.user_routes = view
end


-- user_routes: the provider's object of /routes.
function _M.follow(user_routes)
    routes = user_routes
    if routes.track and core.config.serves_requests() then
        local candidates = {}
        for id in pairs(members) do
            candidates[id] = true
        end
        routes:track(_M.tracker)
        for id in pairs(candidates) do
            set(id, true)
        end
    end
end


function _M.match(ctx)
    if stale then
        rebuild()
    end
    if #view.values == 0 then
        return false
    end

    return stock.match(ctx)
end


return _M
