-- Requests that this proxy sends itself: copies of others (mirror.lua) to clusters that speak TLS or HTTP/2, and
-- questions to services of the mesh (ext_authz/). Lua's own sockets cannot verify a certificate
-- as the mesh asks for it, nor speak HTTP/2, so such a copy is sent to this nginx itself, at the port that takes
-- captured HTTP, which passes it on to the cluster as any other request.
--
-- It is told from what others send by a ticket: a long random number in a header, good for one copy to one cluster.
local ffi = require("ffi")
local config_local = require("apisix.core.config_local")
local log = require("apisix.core.log")
local try_read_attr = require("apisix.core.table").try_read_attr
local listeners = require("apisix.amesh.listeners")

local C = ffi.C
local clear_header = ngx.req.clear_header
local dict = ngx.shared["internal-status"]
local encode = ngx.encode_base64
local ngx_var = ngx.var
local ceil = math.ceil
local min = math.min
local pcall = pcall
local tonumber = tonumber
local type = type

ffi.cdef[[
ssize_t getrandom(void *buffer, size_t size, unsigned int flags);
]]

local _M = { HEADER = "x-amesh-copy" }

local PREFIX = "amesh/copy/"
-- seconds that a copy may be on its way to this nginx
local LIFE = 10
-- the same for its answer where nobody waits for it, and at most
local TIMEOUT = 10
local LONGEST = 86400
local SIZE = 24
local ANY = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "[::1]", ["[::]"] = "[::1]" }

local buffer = ffi.new("uint8_t[?]", SIZE)
local taken = false
local host, port


-- A number that nobody can guess, from the kernel; nil where it has none to give.
local function secret_number()
    local known, size = pcall(C.getrandom, buffer, SIZE, 0)
    return known and tonumber(size) == SIZE and encode(ffi.string(buffer, SIZE)) or nil
end


-- Called where requests are taken that have a ticket.
function _M.init_worker()
    taken = dict ~= nil and secret_number() ~= nil
end


local function own_address()
    local listen = try_read_attr(config_local.local_conf(), "apisix", "node_listen")
    if type(listen) == "table" and not listen.port then
        listen = listen[1]
    end
    if type(listen) ~= "table" then
        return "127.0.0.1", tonumber(listen)
    end
    return ANY[listen.ip] or listen.ip or "127.0.0.1", tonumber(listen.port)
end


-- host, port where copies with a ticket are sent to; nil where nothing takes them.
function _M.address()
    if taken and not host then
        host, port = own_address()
    end
    return host, port
end


-- A ticket for one request to the upstream; nil when there is none. seconds: until when its answer must be there.
function _M.ticket(upstream_id, seconds)
    local ticket = secret_number()
    if not ticket then
        return nil
    end

    local ok, err = dict:safe_set(PREFIX .. ticket, upstream_id, LIFE, ceil(min(seconds or TIMEOUT, LONGEST)))
    if not ok then
        log.error("a request of this proxy's own is not sent, there is no room for its ticket: ", err)
        return nil
    end
    return ticket
end


-- The item of a route for the request when it is a copy; nil for any other. A ticket is good once.
function _M.received(ctx)
    local ticket = taken and not listeners.is_captured(ctx) and ngx_var.http_x_amesh_copy
    if not ticket then
        return nil
    end
    local upstream_id, seconds = dict:get(PREFIX .. ticket)
    if not upstream_id then
        return nil
    end

    dict:delete(PREFIX .. ticket)
    clear_header(_M.HEADER)
    -- what its headers say of the client was said of the request that it is a copy of
    ctx.amesh_chain = { destination = ctx.amesh_chain.destination }
    return {
        key = "/amesh_copies/" .. upstream_id,
        modifiedIndex = 0,
        orig_modifiedIndex = 0,
        clean_handlers = {},
        has_domain = false,
        value = {
            id = "amesh_copy",
            name = "amesh_copy",
            uri = "/*",
            plugins = { amesh = { copy_to = upstream_id, timeout = seconds or TIMEOUT } },
        },
    }
end


return _M
