-- The shared dictionaries that the mesh's configuration is in, as either of nginx's Lua VMs finds them.
--
-- They are declared in nginx's `http`. The stream subsystem has a Lua VM of its own that does not see them, so each
-- process leaves their addresses for it in its environment, where the process's next cycle or a program that is started
-- never gets them from: nginx gives every worker a fresh environment, and this is written after that.
local ffi = require("ffi")
local zone_handle = require("apisix.amesh.zone_handle")

local C = ffi.C
local ngx_shared = ngx.shared
local is_http = ngx.config.subsystem == "http"
local format = string.format
local gmatch = string.gmatch
local tonumber = tonumber


ffi.cdef[[
int setenv(const char *name, const char *value, int overwrite);
char *getenv(const char *name);
]]

local VARIABLE = "AMESH_ZONES"
-- the last is one that every APISIX has, for what processes tell each other
local NAMES = { "xds-config", "xds-config-version", "internal-status" }

local _M = {}
local config, version, notes


local function in_this_vm(name)
    local dict = ngx_shared[name]
    return dict and zone_handle.of(dict)
end


-- In the HTTP VM, once per process: leaves the addresses for the stream VM.
local function publish()
    local text = ""
    for _, zone in ipairs({ config, version, notes }) do
        text = text .. format("%x ", tonumber(ffi.cast("uintptr_t", zone.pointer)))
    end
    C.setenv(VARIABLE, text, 1)
end


-- In the stream VM: what the HTTP VM of this process has left.
local function adopt()
    local text = C.getenv(VARIABLE)
    if text == nil then
        return
    end

    local pointers = {}
    for address in gmatch(ffi.string(text), "%x+") do
        pointers[#pointers + 1] = ffi.cast("uintptr_t", tonumber(address, 16))
    end
    config = zone_handle.new(pointers[1])
    version = zone_handle.new(pointers[2])
    notes = pointers[3] and zone_handle.new(pointers[3])
end


-- Handles of the dictionaries of objects, of commits, and of notes (may be nil); nothing when there are none. In the
-- stream VM not before the process's HTTP VM has been here after the fork.
function _M.find()
    if not config then
        config, version, notes = in_this_vm(NAMES[1]), in_this_vm(NAMES[2]), in_this_vm(NAMES[3])
        if not config or not version then
            config, version = nil, nil
            if not is_http then
                adopt()
            end
        end
    end

    return config, version, notes
end


-- Called in each process of nginx after the fork.
function _M.init_worker()
    _M.find()
    if is_http and config then
        publish()
    end
end


return _M
