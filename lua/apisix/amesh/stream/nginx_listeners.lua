-- nginx's own list of listeners, among which `pass` looks for the one that it hands a connection to.
--
-- A worker that ends closes them and sets their number to zero (ngx_close_listening_sockets), so that `pass` finds
-- none, though all that it needs of them is there as long as the process. Connections that say their first word then
-- would be closed; this sets the number again. Nothing else looks at the list in a worker that ends: nginx turns its
-- accept mutex off in the same place.
--
-- Where nginx is not laid out as is expected here, nothing is touched, and such connections are closed.
local ffi = require("ffi")

local C = ffi.C
local pcall = pcall
local tonumber = tonumber

ffi.cdef[[
typedef struct { uint8_t *first; size_t count; size_t size; size_t room; void *pool; } amesh_ngx_array_t;
int getsockopt(int fd, int level, int name, void *value, uint32_t *len);
]]

-- ngx_cycle_t begins: conf_ctx, pool, log; `listening` is its first array, some words further
local POOL, FIRST, LAST = 1, 3, 40
local SMALLEST, LARGEST, MOST = 128, 1024, 65536
local SOL_SOCKET, SO_ACCEPTCONN = 1, 30
local MOST_FDS = 1048576

local _M = {}
local listeners, count

local value = ffi.new("int[1]")
local length = ffi.new("uint32_t[1]")


local function is_listening(fd)
    length[0] = 4
    return fd >= 0 and C.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, length) == 0 and value[0] == 1
end


local function looks_like_listeners(array, pool)
    return array.pool == pool and array.first ~= nil and array.count > 0 and array.count <= array.room
           and array.room <= MOST and array.size >= SMALLEST and array.size <= LARGEST and array.size % 8 == 0
end


-- Each begins with its descriptor, -1 for those of other processes.
local function are_listeners(array)
    local listening = false
    for at = 0, tonumber(array.count) - 1 do
        local fd = ffi.cast("int *", array.first + at * array.size)[0]
        if fd < -1 or fd > MOST_FDS then
            return false
        end
        listening = listening or is_listening(fd)
    end
    return listening
end


local function find()
    local cycle = ffi.cast("void **", C.amesh_ngx_cycle)
    for at = FIRST, LAST do
        local array = ffi.cast("amesh_ngx_array_t *", cycle + at)
        if looks_like_listeners(array, cycle[POOL]) then
            return are_listeners(array) and array or nil
        end
    end
end


-- While the worker has them all.
function _M.start()
    -- a nginx whose symbols cannot be seen has none
    local ok, found = pcall(function()
        ffi.cdef('extern void *amesh_ngx_cycle __asm__("ngx_cycle");')
        return find()
    end)
    if ok and found then
        listeners, count = found, found.count
    end
end


-- Can connections be handed on by a worker that ends?
function _M.last()
    return listeners ~= nil
end


-- In a worker that ends, before `pass`.
function _M.restore()
    if listeners and listeners.count == 0 then
        listeners.count = count
    end
end


return _M
