-- What a worker's stream side tells its HTTP side about a connection that it hands over with `pass`: the port that the
-- connection arrived at. The two have Lua machines of their own and share nothing, but they are one process: a piece
-- of memory with a place for each descriptor, whose address is in the process's environment.
--
-- Only connections that came by TPROXY, or to this proxy itself, need it. After REDIRECT the socket's local address is
-- the captured port's.
-- Descriptors are used again, so the client's address stands beside what is told.
local ffi = require("ffi")
local C = ffi.C
local match = string.match
local tonumber = tonumber
local tostring = tostring
local crc32 = ngx.crc32_long
local format = string.format
local gsub = string.gsub
local worker_pid = ngx.worker.pid

ffi.cdef[[
typedef struct { double client; double port; } amesh_handover_t;
typedef struct { uint64_t soft; uint64_t hard; } amesh_rlimit_t;
char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
void *calloc(size_t count, size_t size);
int getrlimit(int resource, amesh_rlimit_t *limit);
]]

local NAME = "AMESH_HANDOVER"
local RLIMIT_NOFILE = 7
local MOST = 1048576
local table_type = ffi.typeof("amesh_handover_t *")

local _M = {}
local places, size


-- "pid address size", from the process's environment; another process's is of no use here.
local function find()
    local text = C.getenv(NAME)
    if text == nil then
        return
    end

    local pid, address, count = match(ffi.string(text), "^(%d+) (%d+) (%d+)$")
    if tonumber(pid) == worker_pid() then
        -- addresses in user space are below 2^47, a double holds them
        places, size = ffi.cast(table_type, ffi.cast("uintptr_t", tonumber(address))), tonumber(count)
    end
end


local function make()
    find()
    if places then
        return
    end

    local limit = ffi.new("amesh_rlimit_t")
    local count = MOST
    if C.getrlimit(RLIMIT_NOFILE, limit) == 0 and limit.soft < MOST then
        count = tonumber(limit.soft)
    end

    -- for the life of the process; pages that no descriptor touches take no memory
    local memory = C.calloc(count, ffi.sizeof("amesh_handover_t"))
    if memory == nil then
        return
    end

    places, size = ffi.cast(table_type, memory), count
    local address = gsub(tostring(ffi.cast("uintptr_t", memory)), "%a", "")
    C.setenv(NAME, format("%d %s %d", worker_pid(), address, count), 1)
end


-- Both of a worker's Lua machines, before it takes connections: from then on neither looks for the place again.
_M.init_worker = make


-- Exact: below 2^48.
local function mark(ip, port)
    return crc32(ip) * 65536 + port
end


-- Stream side, before `pass`: the connection with this descriptor, from that client, arrived at a port.
function _M.tell(fd, client_ip, client_port, port)
    if not places then
        make()
    end

    if places and fd < size then
        places[fd].client = mark(client_ip, client_port)
        places[fd].port = port
    end
end


-- Has anything been told about this descriptor, of whichever connection?
function _M.has(fd)
    if not places then
        find()
    end
    return places ~= nil and fd < size and places[fd].client ~= 0
end


-- The port that the connection with this descriptor, from that client, arrived at; nil when nobody told.
function _M.arrival_port(fd, client_ip, client_port)
    if _M.has(fd) and places[fd].client == mark(client_ip, client_port) then
        return places[fd].port
    end
end


return _M
