-- A shared dictionary by its address, for either of nginx's Lua VMs: the functions under ngx.shared work on a zone
-- whoever calls them, while `ngx.shared` itself shows each VM only what its own block declares.
local ffi = require("ffi")

local C = ffi.C
local ffi_cast = ffi.cast
local ffi_new = ffi.new
local ffi_string = ffi.string
local error = error
local gsub = string.gsub
local ipairs = ipairs
local pcall = pcall
local setmetatable = setmetatable
local tonumber = tonumber
local type = type


-- APISIX's runtime has the functions in its meta module, plain OpenResty and Debian's nginx in the http module.
local PREFIXES = { "ngx_meta_lua_ffi_shdict_", "ngx_http_lua_ffi_shdict_" }

local DECLARATIONS = [[
int PREFIXget(void *zone, const unsigned char *key, size_t key_len, int *value_type, unsigned char **str_value_buf,
    size_t *str_value_len, double *num_value, int *user_flags, int get_stale, int *is_stale, char **errmsg);
int PREFIXstore(void *zone, int op, const unsigned char *key, size_t key_len, int value_type,
    const unsigned char *str_value_buf, size_t str_value_len, double num_value, long exptime, int user_flags,
    char **errmsg, int *forcible);
void *PREFIXudata_to_zone(void *zone_udata);
]]

for _, prefix in ipairs(PREFIXES) do
    ffi.cdef((gsub(DECLARATIONS, "PREFIX", prefix)))
end
ffi.cdef("void free(void *ptr);")


local function find(name)
    for _, prefix in ipairs(PREFIXES) do
        local ok, found = pcall(function() return C[prefix .. name] end)
        if ok then
            return found
        end
    end
end


local shdict_get = find("get")
local shdict_store = find("store")
local udata_to_zone = find("udata_to_zone")

-- Lua's own type numbers
local NIL, NUMBER, STRING = 0, 3, 4
-- fail when there is no room instead of throwing out what is there
local SAFE_STORE = 4

local SIZE = 16384
local buffer = ffi_new("unsigned char[?]", SIZE)
local text = ffi_new("unsigned char *[1]")
local length = ffi_new("size_t[1]")
local value_type = ffi_new("int[1]")
local number = ffi_new("double[1]")
local flags = ffi_new("int[1]")
local stale = ffi_new("int[1]")
local forcible = ffi_new("int[1]")
local errmsg = ffi_new("char *[1]")

local _M = {}
local mt = { __index = _M }


-- pointer: address of the zone.
function _M.new(pointer)
    return setmetatable({ pointer = ffi_cast("void *", pointer) }, mt)
end


-- dict: from ngx.shared. Only such a one can list its keys.
function _M.of(dict)
    local handle = _M.new(udata_to_zone(dict[1]))
    handle.get_keys = function(_, limit)
        return dict:get_keys(limit)
    end
    return handle
end


local function read(self, key)
    text[0] = buffer
    length[0] = SIZE
    if shdict_get(self.pointer, key, #key, value_type, text, length, number, flags, 0, stale, errmsg) ~= 0 then
        error("failed to read " .. key .. " from a shared dictionary")
    end

    return value_type[0]
end


-- A text or number, and its flags; nil when there is none.
function _M.get(self, key)
    local kind = read(self, key)
    if kind == STRING then
        local value = ffi_string(text[0], length[0])
        if text[0] ~= buffer then
            C.free(text[0])
        end
        return value, flags[0]
    end

    if kind == NUMBER then
        return tonumber(number[0]), flags[0]
    end

    return nil
end


-- The flags of a key, without making its text; nil when there is none.
function _M.commit_of(self, key)
    local kind = read(self, key)
    if kind == STRING and text[0] ~= buffer then
        C.free(text[0])
    end
    return kind ~= NIL and flags[0] or nil
end


-- Stores a text or number; false when there is no room.
function _M.set(self, key, value)
    local is_text = type(value) == "string"
    local kind = value == nil and NIL or is_text and STRING or NUMBER
    return shdict_store(self.pointer, value == nil and 0 or SAFE_STORE, key, #key, kind, is_text and value or nil,
                        is_text and #value or 0, not is_text and value or 0, 0, 0, errmsg, forcible) == 0
end


return _M
