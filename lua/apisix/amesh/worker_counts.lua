-- Numbers that all workers count together, and that do not keep what a worker counted that has died.
--
-- Each number is kept twice in the dictionary amesh-circuits (in nginx's stream, which sees none of http's:
-- amesh-circuits-stream): the sum, which one atomic step changes and reads, and each worker's own part of it. When a
-- limit is reached, parts of workers that are gone are taken out of the sums; nothing has to be done as long as no
-- limit is.
local ffi = require("ffi")
local log = require("apisix.core.log")

local dictionary = ngx.config.subsystem == "http" and "amesh-circuits" or "amesh-circuits-stream"
local dict = ngx.shared[dictionary]
local ngx_worker = ngx.worker
local ipairs = ipairs
local match = string.match
local pcall = pcall
local tonumber = tonumber

local _M = { DICTIONARY = dictionary }

local NO_SUCH_PROCESS = 3
-- seconds between looks for workers that are gone
local SWEEP_INTERVAL = 1

local pid

pcall(ffi.cdef, "int kill(int pid, int sig);")


local function is_gone(other)
    return ffi.C.kill(other, 0) ~= 0 and ffi.errno() == NO_SUCH_PROCESS
end


local function take_out(gone)
    -- whoever deletes the entry of a part takes it out of the sum; another process may be at the same
    if not dict:add("sweep#" .. gone, true, SWEEP_INTERVAL) then
        return
    end

    local count = 0
    for _, key in ipairs(dict:get_keys(0)) do
        local name = match(key, "^part#" .. gone .. "#(.*)$")
        local part = name and dict:get(key)
        if part then
            dict:delete(key)
            dict:incr("sum#" .. name, -part, 0)
            count = count + part
        end
    end
    if count > 0 then
        log.warn("process ", gone, " has ended in the middle of its work: ", count, " of its counts are taken back")
    end
end


local function introduce()
    pid = ngx_worker.pid()
    -- of another process that had this number before
    take_out(pid)
end


-- Is there a dictionary to count in?
function _M.usable()
    return dict ~= nil
end


-- Adds to a number, which may go below zero for a moment; returns what it is then.
function _M.add(name, count)
    if pid ~= ngx_worker.pid() then
        introduce()
    end

    -- the part first: a worker that dies in between leaves the sum too small for a while and not too large for good
    dict:incr("part#" .. pid .. "#" .. name, count, 0)
    return dict:incr("sum#" .. name, count, 0) or 0
end


function _M.get(name)
    return dict:get("sum#" .. name) or 0
end


-- Takes out what dead workers have left, at most once a second. True when it looked.
function _M.sweep()
    if not dict:add("sweep", true, SWEEP_INTERVAL) then
        return false
    end

    local looked_at = {}
    for _, key in ipairs(dict:get_keys(0)) do
        local other = match(key, "^part#(%d+)#")
        if other and not looked_at[other] then
            looked_at[other] = true
            if is_gone(tonumber(other)) then
                take_out(other)
            end
        end
    end
    return true
end


-- Counts one more unless that is more than the limit.
function _M.take(name, limit)
    if _M.add(name, 1) <= limit then
        return true
    end

    _M.add(name, -1)
    if not _M.sweep() then
        return false
    end
    if _M.add(name, 1) <= limit then
        return true
    end
    _M.add(name, -1)
    return false
end


return _M
