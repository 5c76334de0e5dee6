-- Finds, loads and starts libxds.so, once per process. The handle stays referenced for the life of the process:
-- LuaJIT would close the library under its own threads otherwise.
local ffi = require("ffi")
local json = require("apisix.core.json")

local io_open = io.open
local package = package
local pcall = pcall
local next = next
local pairs = pairs
local tostring = tostring
local table_concat = table.concat


ffi.cdef[[
void initial(void *config_zone, void *version_zone);
int amesh_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len,
                char *err, size_t err_size);
int amesh_status(char *buf, size_t size);
const char *amesh_version(void);
int amesh_stop(int timeout_ms);
]]

local ABI = 1
local NAME = "libxds.so"
local ERR_SIZE = 2048

-- keys of plugin_attr.amesh that are for the Lua side
local LUA_OPTIONS = { library = true, poll_interval = true, fallback_router = true, listen_ports = true, targets = true,
                      transparent = true, system_ca = true, drain_time = true, objects = true }

local _M = {}
local loaded


local function has(lib, symbol)
    return (pcall(function() return lib[symbol] end))
end


local function find(path)
    if path then
        return path, {}
    end

    local tried = {}
    for pattern in package.cpath:gmatch("[^;]+") do
        local dir = pattern:match("^(.*/)[^/]*$")
        if dir then
            local candidate = dir .. NAME
            local file = io_open(candidate)
            if file then
                file:close()
                return candidate, tried
            end
            tried[#tried + 1] = candidate
        end
    end

    return nil, tried
end


local function library_options(attr)
    local options = {}
    for name, value in pairs(attr) do
        if not LUA_OPTIONS[name] then
            options[name] = value
        end
    end

    return json.encode(options)
end


-- config, version: handles of the dictionaries. attr: plugin_attr.amesh of config.yaml. Returns the path of the started
-- library, or nil and what to do about it.
function _M.start(config, version, attr)
    if loaded then
        return loaded.path
    end

    local path, tried = find(attr.library)
    if not path then
        return nil, NAME .. " was not found; put its folder into apisix.extra_lua_cpath or set "
                    .. "plugin_attr.amesh.library to its path. Tried: " .. table_concat(tried, ", ")
    end

    local ok, lib = pcall(ffi.load, path)
    if not ok then
        return nil, "cannot load " .. path .. ": " .. tostring(lib)
    end

    loaded = { lib = lib, path = path }
    if not has(lib, "amesh_start") then
        if not has(lib, "initial") then
            return nil, path .. " has neither amesh_start nor initial: it is not an xDS library for APISIX"
        end

        lib.initial(config.pointer, version.pointer)
        return path
    end

    local options = next(attr) and library_options(attr) or "{}"
    local err = ffi.new("char[?]", ERR_SIZE)
    local rc = lib.amesh_start(ABI, config.pointer, version.pointer, options, #options, err, ERR_SIZE)
    if rc ~= 0 then
        return nil, path .. " did not start: " .. ffi.string(err)
    end

    return path
end


-- Status JSON of the library in this process; nil where it was not loaded or knows no status.
function _M.status()
    if not loaded or not has(loaded.lib, "amesh_status") then
        return nil
    end

    local size = 8192
    while true do
        local buf = ffi.new("char[?]", size)
        local needed = loaded.lib.amesh_status(buf, size)
        if needed < size then
            return ffi.string(buf)
        end
        size = needed + 1
    end
end


-- Called when the process is about to exit.
function _M.stop()
    if loaded and not loaded.stopped and has(loaded.lib, "amesh_stop") then
        loaded.stopped = true
        loaded.lib.amesh_stop(100)
    end
end


return _M
