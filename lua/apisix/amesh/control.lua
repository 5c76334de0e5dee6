-- What APISIX's control API answers about the mesh:
--   GET /v1/amesh/status             the library's status, the commit in the zone and in the worker that answers
--   GET /v1/amesh/objects/KIND       ids of a kind
--   GET /v1/amesh/objects/KIND/ID    one object as the library wrote it (secrets left out), and why it was refused
local core = require("apisix.core")
local live = require("apisix.amesh.live")
local redaction = require("apisix.amesh.redaction")
local status = require("apisix.amesh.status")

local ngx = ngx
local pairs = pairs
local setmetatable = setmetatable
local sort = table.sort
local match = string.match

local _M = {}

local OTHER_PROVIDER = { error_msg = "the configuration provider is not Amesh's (deployment.role_data_plane."
                                     .. "config_provider: xds and apisix.extra_lua_path)" }


local function get_status()
    local all = status.all()
    if not all then
        return 503, OTHER_PROVIDER
    end

    return 200, all
end


local function kinds()
    local names = {}
    for key in pairs(core.config.fetch_all_created_obj()) do
        names[#names + 1] = match(key, "^/(.*)")
    end
    sort(names)
    return names
end


local function ids_of(kind)
    local ids = setmetatable({}, core.json.array_mt)
    for id in pairs(live.ids_by_kind()[kind.key] or {}) do
        ids[#ids + 1] = id
    end
    sort(ids)
    return 200, { kind = match(kind.key, "^/(.*)"), total = #ids, ids = ids }
end


local function get_objects()
    local name, id = match(ngx.var.uri, "^/v1/amesh/objects/([^/]+)/?(.*)$")
    local config = core.config
    if not config.process_status then
        return 503, OTHER_PROVIDER
    end

    local kind = name and config.fetch_created_obj("/" .. name)
    if not kind or not kind.key then
        return 404, { error_msg = "no kind of objects is called " .. (name or "so"), kinds = kinds() }
    end
    if id == "" then
        return ids_of(kind)
    end

    local key = kind.single_item and kind.key or kind.key .. "/" .. id
    local text, modified_index = live.read(key)
    if not text then
        return 404, { error_msg = "there is no " .. key }
    end

    local item = kind:peek(id)
    return 200, {
        key = key,
        modified_index = item and item.modifiedIndex or modified_index,
        object = redaction.object(kind.key, core.json.decode(text), text),
        refused = kind.refused[id],
    }
end


_M.routes = {
    { methods = { "GET" }, uris = { "/v1/amesh/status" }, handler = get_status },
    { methods = { "GET" }, uris = { "/v1/amesh/objects/*" }, handler = get_objects },
}

return _M
