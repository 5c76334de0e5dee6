-- Who waits for whom when nginx's processes give way to others.
--
-- A binary upgrade (USR2): the new nginx has the old one's listening sockets, but dictionaries of its own, which are
-- empty until its library has had a first push. The old workers go on taking connections meanwhile; the new ones must
-- not answer 503 to those that they would take, so they wait in a phase in which they take none.
local ffi = require("ffi")

local C = ffi.C
local io_open = io.open
local os_getenv = os.getenv


ffi.cdef[[
int getppid(void);
int usleep(unsigned int microseconds);
]]

local _M = {}

-- how nginx names its sockets to the program that takes its place
local SOCKETS = "NGINX"
local STEP = 5000
-- no longer than a library takes for a first commit at most, and some more
local STEPS = 4000
-- nginx tells the old workers to end 100 ms after it has made new processes; what new ones need longer, requests wait
local UNTIL_WORKERS_SERVE = 300000

local predecessor       -- process id of the old master


local function is_nginx(pid)
    local file = io_open("/proc/" .. pid .. "/cmdline")
    local line = file and file:read("*a")
    if file then
        file:close()
    end
    return line ~= nil and line:find("nginx: master", 1, true) ~= nil
end


-- In the master, before its processes are made.
function _M.init()
    local parent = os_getenv(SOCKETS) and C.getppid()
    predecessor = parent and is_nginx(parent) and parent or nil
end


-- In a worker: waits until there is something to serve, or nobody else serves. Returns whether it had to wait.
function _M.wait(has_configuration)
    if not predecessor or has_configuration() then
        return false
    end

    for _ = 1, STEPS do
        C.usleep(STEP)
        if has_configuration() or not is_nginx(predecessor) then
            break
        end
    end
    return true
end


-- In a reload, in a process that serves nobody: new workers that start at the same time have the cores for themselves.
function _M.give_way()
    C.usleep(UNTIL_WORKERS_SERVE)
end


return _M
