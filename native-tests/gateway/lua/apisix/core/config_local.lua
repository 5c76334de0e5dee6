-- A double of apisix.core.config_local: config.yaml's content comes from the environment, see start.sh.
local json = require("apisix.core.json")
local os_getenv = os.getenv

local function number_list(text)
    local list = {}
    for number in (text or ""):gmatch("%d+") do
        list[#list + 1] = tonumber(number)
    end
    return list
end

local function set(value)
    return value ~= nil and value ~= "" and value or nil
end

local attributes = json.decode(set(os_getenv("AMESH_OPTIONS")) or "{}") or {}
attributes.library = set(os_getenv("AMESH_LIBRARY")) or attributes.library
attributes.source = set(os_getenv("AMESH_SOURCE")) or attributes.source

local conf = {
    apisix = { node_listen = number_list(os_getenv("GATEWAY_PORTS")), router = { http = "amesh" } },
    plugins = { "amesh" },
    plugin_attr = { amesh = attributes },
}

return {
    local_conf = function()
        return conf
    end,
}
