-- The first bytes of a connection, looked at and left where they are (recv with MSG_PEEK), so that nginx can hand the
-- very socket on with `pass`, which it refuses once something was read.
--
-- Waiting costs no polling: the client socket's peek() parks the connection in nginx's preread phase, which looks at
-- the socket when it becomes readable and lets go of what it saw. That wait has no end of its own (preread_timeout is
-- days): a listener's time limit is kept in the background, where connections are shut down whose time is over. Only
-- where the listener goes on without the bytes (continue_on_timeout) nothing wakes the connection; it looks by itself.
-- The client socket's Lua object must not outlive the wait: see let_go.
-- A worker that ends (reload) goes on waiting for those that have not said anything yet, if it can hand them on then
-- (nginx_listeners.lua); else it closes them.
local ffi = require("ffi")
local log = require("apisix.core.log")
local background = require("apisix.amesh.background")
local nginx_listeners = require("apisix.amesh.stream.nginx_listeners")

local C = ffi.C
local byte = string.byte
local get_socket = ngx.req.socket
local getmetatable = getmetatable
local huge = math.huge
local min = math.min
local next = next
local ngx_now = ngx.now
local ngx_sleep = ngx.sleep
local pairs = pairs
local tonumber = tonumber
local var = ngx.var

ffi.cdef[[
ssize_t recv(int fd, void *buffer, size_t size, int flags);
int shutdown(int fd, int how);
]]

local MSG_PEEK, MSG_DONTWAIT = 2, 64
local SHUT_RDWR = 2
local EAGAIN, EINTR = 11, 4
-- as large as the server's preread_buffer_size; Envoy's inspectors look no farther either
local MOST = 16384
local SWEEP = 0.1
local CLOSED = 400          -- the client did not say enough
local TLS_HANDSHAKE, SSL_2 = 22, 128
local SHORTEST_NAP, LONGEST_NAP = 0.001, 0.01

local buffer = ffi.new("uint8_t[?]", MOST)

local _M = { most = MOST }
local waiting = {}      -- connection's number -> { fd, deadline }


-- What has come so far, "" when nothing has; nil when nothing will.
function _M.look(fd)
    local count = tonumber(C.recv(fd, buffer, MOST, MSG_PEEK + MSG_DONTWAIT))
    if count > 0 then
        return ffi.string(buffer, count)
    end
    if count < 0 then
        local errno = ffi.errno()
        if errno == EAGAIN or errno == EINTR then
            return ""
        end
    end
end


-- Would nginx take them for TLS? nil when there are none yet.
function _M.begin_tls(bytes)
    local first = byte(bytes)
    return first and (first == TLS_HANDSHAKE or first >= SSL_2)
end


local sweeper = background.new(SWEEP, function(leaving)
    local now, all = ngx_now(), leaving and not nginx_listeners.last()
    for number, entry in pairs(waiting) do
        if all or entry.deadline <= now then
            waiting[number] = nil
            C.shutdown(entry.fd, SHUT_RDWR)
        end
    end
    return next(waiting) ~= nil
end)


local function note(fd, deadline)
    waiting[tonumber(var.connection)] = { fd = fd, deadline = deadline or huge }
    local ok, err = sweeper:wake()
    if not ok then
        log.error("connections are waited for without limit, failed to create a timer: ", err)
    end
end


-- ngx_stream_lua believes that the connection is the session's for as long as the Lua object lives: when that is
-- collected, the connection's read timer is deleted. After `pass` the timer is another module's, which deletes it once
-- more and takes the worker down. So the object gives the connection up now; its finalizer then does nothing.
local function let_go(socket)
    local inner = socket[1]
    getmetatable(inner).__gc(inner)
end


-- The connection is decided, or over: its descriptor may be another's by the next moment.
function _M.forget()
    waiting[tonumber(var.connection)] = nil
end


-- Looks until decide(bytes) returns something else than nil, and returns that; nil when the time is over (and the
-- listener goes on then) or the bytes are too many. A client that goes away, or is too slow for a listener that does
-- not go on, ends the connection in here.
--   timeout: seconds; nil or 0: none
function _M.await(fd, decide, timeout, continue_on_timeout)
    local deadline = timeout and timeout > 0 and ngx_now() + timeout
    local socket, nap
    while true do
        local bytes = _M.look(fd)
        if not bytes then
            return ngx.exit(CLOSED)
        end

        local decision = decide(bytes)
        if decision ~= nil or #bytes >= MOST then
            if socket then
                _M.forget()
                let_go(socket)
            end
            return decision
        end

        if deadline and continue_on_timeout then
            local left = deadline - ngx_now()
            if left <= 0 then
                return nil
            end
            nap = min((nap or SHORTEST_NAP / 2) * 2, LONGEST_NAP)
            ngx_sleep(min(nap, left))

        else
            if not socket then
                socket = get_socket()
                note(fd, deadline)
            end
            local ok, err = socket:peek(#bytes + 1)
            if not ok then
                log.info("no first bytes: ", err)
                return ngx.exit(CLOSED)
            end
        end
    end
end


return _M
