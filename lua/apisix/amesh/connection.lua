-- Where the application really connected to: SO_ORIGINAL_DST of the request's socket, over FFI.
--
-- nginx gives no access to a request's descriptor. lua-resty-core has the request's pointer, and the first members
-- of nginx's structures have been the same in every 1.x: request {signature, connection}, connection {data, read,
-- write, fd}. The first request of a process proves it: the descriptor's own address must be $server_addr and
-- $server_port. If it is not, nothing is read through the pointer again and the local address stands in.
local ffi = require("ffi")
local get_request = require("resty.core.base").get_request
local log = require("apisix.core.log")
local var = ngx.var

local C = ffi.C
local bit_bor = require("bit").bor
local bit_lshift = require("bit").lshift
local format = string.format
local tonumber = tonumber


ffi.cdef[[
typedef struct { void *data; void *read; void *write; int fd; } amesh_connection_t;
typedef struct { uint32_t signature; amesh_connection_t *connection; } amesh_request_t;
int getsockname(int fd, void *addr, uint32_t *len);
int getsockopt(int fd, int level, int name, void *value, uint32_t *len);
char *inet_ntop(int family, const void *addr, char *text, uint32_t size);
]]

local REQUEST_SIGNATURE = 0x50545448    -- "HTTP"
local AF_INET, AF_INET6 = 2, 10
local SOL_IP, SOL_IPV6 = 0, 41
local SO_ORIGINAL_DST = 80              -- the same number for IPv6
local MAPPED = "::ffff:"

local ADDRESS_SIZE = 128
local address = ffi.new("uint8_t[?]", ADDRESS_SIZE)
local length = ffi.new("uint32_t[1]")
local text = ffi.new("char[64]")
local request_type = ffi.typeof("amesh_request_t *")

local _M = {}
local layout     -- nil: not looked at yet, true: proven, false: not usable


-- "1.2.3.4", 80 from the socket address in `address`.
local function read_address()
    local family = address[0] + address[1] * 256
    local offset
    if family == AF_INET then
        offset = 4
    elseif family == AF_INET6 then
        offset = 8
    else
        return nil
    end

    if C.inet_ntop(family, address + offset, text, 64) == nil then
        return nil
    end

    local ip = ffi.string(text)
    if ip:sub(1, #MAPPED) == MAPPED and ip:find(".", 1, true) then
        ip = ip:sub(#MAPPED + 1)
        family = AF_INET
    end

    return ip, bit_bor(bit_lshift(address[2], 8), address[3]), family
end


local function local_address(fd)
    length[0] = ADDRESS_SIZE
    if C.getsockname(fd, address, length) ~= 0 then
        return nil
    end

    return read_address()
end


local function bare(ip)
    if ip and ip:sub(1, #MAPPED) == MAPPED and ip:find(".", 1, true) then
        return ip:sub(#MAPPED + 1)
    end
    return ip
end


local function prove(request)
    if request.signature ~= REQUEST_SIGNATURE or request.connection == nil then
        return false
    end

    local ip, port = local_address(request.connection.fd)
    return ip == bare(var.server_addr) and port == tonumber(var.server_port)
end


local function descriptor()
    local pointer = get_request()
    if not pointer or layout == false then
        return nil
    end

    local request = ffi.cast(request_type, pointer)
    if layout == nil then
        layout = prove(request)
        if not layout then
            log.error("original destinations are not known: the layout of nginx's structures is not the expected ",
                      "one; requests count as sent to the address that accepted them")
            return nil
        end
    end

    return request.connection.fd
end


-- "ip:port", with brackets around an IPv6 address.
function _M.join(ip, port)
    return format(ip:find(":", 1, true) and "[%s]:%d" or "%s:%d", ip, port)
end


-- ip, port before iptables REDIRECT; nil when the kernel knows none.
function _M.original_destination()
    local fd = descriptor()
    if not fd then
        return nil
    end

    length[0] = ADDRESS_SIZE
    if C.getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, address, length) ~= 0 then
        length[0] = ADDRESS_SIZE
        if C.getsockopt(fd, SOL_IPV6, SO_ORIGINAL_DST, address, length) ~= 0 then
            return nil
        end
    end

    local ip, port = read_address()
    return ip, port
end


-- ip, port that nginx accepted the connection on.
function _M.accepted_on()
    return bare(var.server_addr), tonumber(var.server_port)
end


return _M
