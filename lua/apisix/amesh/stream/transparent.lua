-- Captured ports that get connections by TPROXY: the kernel gives them only to sockets with IP_TRANSPARENT, which
-- nginx cannot be told to set. Each worker sets it on the listening sockets of plugin_attr.amesh.transparent (a list of
-- ports); they are shared, so it holds for all. That needs CAP_NET_RAW, which nginx leaves to its workers when its
-- configuration has a `proxy_bind ... transparent` (amesh-transparent.conf).
local ffi = require("ffi")
local config_local = require("apisix.core.config_local")
local log = require("apisix.core.log")
local try_read_attr = require("apisix.core.table").try_read_attr

local C = ffi.C
local ipairs = ipairs
local next = next
local pairs = pairs
local tonumber = tonumber

ffi.cdef[[
int getsockname(int fd, void *addr, uint32_t *len);
int getsockopt(int fd, int level, int name, void *value, uint32_t *len);
int setsockopt(int fd, int level, int name, const void *value, uint32_t len);
char *strerror(int error);
]]

local SOL_SOCKET, SO_ACCEPTCONN = 1, 30
local SOL_IP, IP_TRANSPARENT = 0, 19
local SOL_IPV6, IPV6_TRANSPARENT = 41, 75
local AF_INET, AF_INET6 = 2, 10
-- listening sockets are opened first, and so have small numbers
local MOST = 4096
local ADDRESS_SIZE = 128

local _M = {}

local address = ffi.new("uint8_t[?]", ADDRESS_SIZE)
local length = ffi.new("uint32_t[1]")
local value = ffi.new("int[1]")


local function is_listening(fd)
    length[0] = 4
    return C.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, value, length) == 0 and value[0] == 1
end


-- family, port of a socket's own address
local function own_address(fd)
    length[0] = ADDRESS_SIZE
    if C.getsockname(fd, address, length) ~= 0 then
        return nil
    end
    return address[0] + address[1] * 256, address[2] * 256 + address[3]
end


local function set(fd, family)
    value[0] = 1
    if family == AF_INET6 then
        return C.setsockopt(fd, SOL_IPV6, IPV6_TRANSPARENT, value, 4) == 0
    end
    return C.setsockopt(fd, SOL_IP, IP_TRANSPARENT, value, 4) == 0
end


function _M.start()
    local ports = {}
    for _, port in ipairs(try_read_attr(config_local.local_conf(), "plugin_attr", "amesh", "transparent") or {}) do
        ports[tonumber(port) or 0] = true
    end
    -- the privileged agent listens on nothing
    if not next(ports) or not ngx.worker.id() then
        return
    end

    local found = {}
    for fd = 3, MOST do
        if is_listening(fd) then
            local family, port = own_address(fd)
            if ports[port] and (family == AF_INET or family == AF_INET6) then
                found[port] = true
                if not set(fd, family) then
                    log.error("port ", port, " gets no connections by TPROXY: IP_TRANSPARENT: ",
                              ffi.string(C.strerror(ffi.errno())), "; workers need CAP_NET_RAW: include ",
                              "amesh-transparent.conf in nginx_config.stream_configuration_snippet")
                end
            end
        end
    end

    for port in pairs(ports) do
        if not found[port] then
            log.error("port ", port, " of plugin_attr.amesh.transparent is not one that nginx listens on")
        end
    end
end


return _M
