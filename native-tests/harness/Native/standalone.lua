-- The library in a LuaJIT that is no nginx: it loads, answers at once, and says what it lacks instead of dying.
local ffi = require("ffi")
ffi.cdef[[
void initial(void *config_zone, void *version_zone);
int amesh_start(int abi, void *config_zone, void *version_zone, const char *options, size_t options_len,
                char *err, size_t err_size);
int amesh_status(char *buf, size_t size);
const char *amesh_version(void);
int amesh_stop(int timeout_ms);
]]
local lib = ffi.load(arg[1])

local function start(abi, options)
    local err = ffi.new("char[?]", 512)
    local code = lib.amesh_start(abi, nil, nil, options, #options, err, 512)
    return code, ffi.string(err)
end

local function refused(what, abi, options)
    local code, err = start(abi, options)
    assert(code ~= 0, what .. ": was accepted")
    assert(#err > 0, what .. ": refused without a word")
    print(what .. ": " .. err)
end

print("version " .. ffi.string(lib.amesh_version()))
refused("another ABI", 99, "{}")
refused("no nginx", 1, '{"source":"grpc://127.0.0.1:1"}')
refused("options that are no JSON", 1, "{")

-- a buffer of no size gets the length needed, a small one is not overrun
local needed = lib.amesh_status(nil, 0)
assert(needed >= 0, "status: " .. needed)
local small = ffi.new("char[8]", "zzzzzzz")
lib.amesh_status(small, 4)
assert(small[4] == string.byte("z"), "status wrote past the end of its buffer")

assert(lib.amesh_stop(1000) == 0, "stop did not stop")
