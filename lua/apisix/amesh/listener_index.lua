-- The mesh's listeners by the address that they serve: exact address and port, else any address with that port, else
-- the one for everything.
local core = require("apisix.core")
local connection = require("apisix.amesh.connection")

local error = error
local ipairs = ipairs
local type = type

local _M = {}
local objects
local by_address = {}
local seen_version


local ANY = { ["0.0.0.0"] = true, ["::"] = true, [""] = true }


local function key_of(address, port)
    if ANY[address] then
        address = "*"
    end
    return connection.join(address, port)
end


local function rebuild()
    local index = {}
    for _, item in ipairs(objects.values or {}) do
        local listener = item and item.value
        if type(listener) == "table" and listener.route_config then
            index[key_of(listener.address or "", listener.port or 0)] = listener
        end
    end
    by_address = index
end


function _M.init_worker()
    local err
    objects, err = core.config.new("/listeners", { automatic = true })
    if not objects then
        error("failed to follow /listeners: " .. err)
    end
end


local function refresh()
    if objects and seen_version ~= objects.conf_version then
        rebuild()
        seen_version = objects.conf_version
    end
end


-- Does the mesh have a listener on this "ip" and port?
function _M.has(ip, port)
    refresh()
    return (by_address[key_of(ip, port)] or by_address[key_of("", port)]) ~= nil
end


-- The listener's object for an "ip", port; nil when the mesh has none.
function _M.find(ip, port)
    refresh()
    return by_address[key_of(ip, port)] or by_address[key_of("", port)] or by_address[key_of("", 0)]
end


return _M
