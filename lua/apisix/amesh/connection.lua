-- Where the application really connected to: SO_ORIGINAL_DST and the local address of the client's socket, over FFI.
--
-- nginx gives no access to a connection's descriptor. lua-resty-core has the request's pointer, and the first members
-- of nginx's structures have been the same in every 1.x: HTTP request {signature, connection}, stream request of
-- ngx_stream_lua {connection, session}, connection {data, read, write, fd, recv, send, recv_chain, send_chain,
-- listening}, listening {fd, sockaddr}. The first connection of a process proves it: the descriptor's peer must be the
-- client that nginx names. If it is not, nothing is read through the pointer again and the address that nginx knows
-- stands in.
--
-- nginx's own $server_addr and $server_port do not do: a connection that `pass` handed from the captured port to
-- another listener has that one's.
local ffi = require("ffi")
local get_request = require("resty.core.base").get_request
local log = require("apisix.core.log")
local handover = require("apisix.amesh.handover")
local var = ngx.var

local C = ffi.C
local bit_bor = require("bit").bor
local bit_lshift = require("bit").lshift
local error = error
local format = string.format
local pcall = pcall
local tonumber = tonumber


ffi.cdef[[
typedef struct { int fd; uint8_t *address; } amesh_listening_t;
typedef struct {
    void *data; void *read; void *write; int fd;
    void *recv; void *send; void *recv_chain; void *send_chain;
    amesh_listening_t *listening;
} amesh_connection_t;
typedef struct { uint32_t signature; amesh_connection_t *connection; } amesh_request_t;
typedef struct { amesh_connection_t *connection; void *session; } amesh_stream_request_t;
int getsockname(int fd, void *addr, uint32_t *len);
int getpeername(int fd, void *addr, uint32_t *len);
int getsockopt(int fd, int level, int name, void *value, uint32_t *len);
char *inet_ntop(int family, const void *addr, char *text, uint32_t size);
]]

local IS_STREAM = ngx.config.subsystem == "stream"
local REQUEST_SIGNATURE = 0x50545448    -- "HTTP"
local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local SOL_IP, SOL_IPV6 = 0, 41
local SO_ORIGINAL_DST = 80              -- the same number for IPv6
local MAPPED = "::ffff:"
local MOST_TEXTS = 4096

local ADDRESS_SIZE = 128
local address = ffi.new("uint8_t[?]", ADDRESS_SIZE)
local length = ffi.new("uint32_t[1]")
local text = ffi.new("char[64]")
local request_type = ffi.typeof(IS_STREAM and "amesh_stream_request_t *" or "amesh_request_t *")

local _M = {}
local layout     -- nil: not looked at yet, true: proven, false: not usable
local given      -- descriptor while `of` runs
local texts, texts_count = {}, 0    -- bytes of an address -> the same in words


local function port_at(bytes)
    return bit_bor(bit_lshift(bytes[2], 8), bytes[3])
end


-- "1.2.3.4" of as many bytes of `address` as an address has, from an offset on.
local function text_at(family, offset)
    if C.inet_ntop(family, address + offset, text, 64) == nil then
        return nil
    end

    local ip = ffi.string(text)
    if ip:sub(1, #MAPPED) == MAPPED and ip:find(".", 1, true) then
        ip = ip:sub(#MAPPED + 1)
    end
    return ip
end


-- "1.2.3.4", 80 from the socket address in `address`.
local function read_address()
    local family = address[0] + address[1] * 256
    local offset, size
    if family == AF_INET then
        offset, size = 4, 4
    elseif family == AF_INET6 then
        offset, size = 8, 16
    else
        return nil
    end

    -- the same few addresses come again and again
    local bytes = ffi.string(address + offset, size)
    local ip = texts[bytes]
    if not ip then
        ip = text_at(family, offset)
        if not ip then
            return nil
        end
        if texts_count >= MOST_TEXTS then
            texts, texts_count = {}, 0
        end
        texts[bytes], texts_count = ip, texts_count + 1
    end
    return ip, port_at(address)
end


local function bare(ip)
    if ip and ip:sub(1, #MAPPED) == MAPPED and ip:find(".", 1, true) then
        return ip:sub(#MAPPED + 1)
    end
    return ip
end


-- true, false, or nil where the connection proves nothing (it has no port).
local function prove(request)
    if not IS_STREAM and request.signature ~= REQUEST_SIGNATURE then
        return false
    end
    if request.connection == nil then
        return false
    end

    length[0] = ADDRESS_SIZE
    if C.getpeername(request.connection.fd, address, length) ~= 0 then
        return nil
    end
    if length[0] < 8 or address[0] + address[1] * 256 == AF_UNIX then
        return nil
    end

    local ip, port = read_address()
    return ip == bare(var.realip_remote_addr or var.remote_addr)
           and port == tonumber(var.realip_remote_port or var.remote_port)
end


local function current()
    local pointer = get_request()
    if not pointer or layout == false then
        return nil
    end

    local request = ffi.cast(request_type, pointer)
    if layout == nil then
        layout = prove(request)
        if layout == false then
            log.error("original destinations are not known: the layout of nginx's structures is not the expected ",
                      "one; connections count as sent to the address that accepted them")
        end
        if not layout then
            return nil
        end
    end

    return request.connection
end


-- Runs run(...), for which the connection is the one with this descriptor: in the phases of a TLS handshake, where
-- nginx has a stand-in for the request.
function _M.of(fd, run, ...)
    given = fd
    local ok, a, b = pcall(run, ...)
    given = nil
    if not ok then
        error(a, 0)
    end
    return a, b
end


-- Descriptor of the client's socket; nil when it cannot be known.
function _M.descriptor()
    if given then
        return given
    end

    local connection = current()
    return connection and connection.fd
end


-- "ip:port", with brackets around an IPv6 address.
function _M.join(ip, port)
    return format(ip:find(":", 1, true) and "[%s]:%d" or "%s:%d", ip, port)
end


-- ip, port before iptables REDIRECT; nil when the kernel knows none.
function _M.original_destination()
    local fd = _M.descriptor()
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


-- ip, port of the connection's local end. After REDIRECT it is the captured port's, by TPROXY the original destination.
function _M.accepted_on()
    local fd = _M.descriptor()
    if fd then
        length[0] = ADDRESS_SIZE
        if C.getsockname(fd, address, length) == 0 then
            local ip, port = read_address()
            if ip then
                return ip, port
            end
        end
    end

    -- a Unix socket has no port
    return bare(var.server_addr), tonumber(var.server_port) or 0
end


-- ip, port of the client's end; nil when it cannot be known.
function _M.client()
    local fd = _M.descriptor()
    length[0] = ADDRESS_SIZE
    if not fd or C.getpeername(fd, address, length) ~= 0 then
        return nil
    end

    local ip, port = read_address()
    return ip, port
end


-- Port of the listening socket that the connection arrived at, whatever its local end says (TPROXY), and whichever
-- listener serves it by now (`pass`).
function _M.arrival_port()
    local connection = not given and current() or nil
    if not connection and not given then
        return tonumber(var.server_port) or 0
    end

    local fd = given or connection.fd
    if handover.has(fd) then
        local handed = handover.arrival_port(fd, _M.client())
        if handed then
            return handed
        end
    end

    local listening = connection and connection.listening
    if listening ~= nil and listening.address ~= nil and listening.address[0] ~= AF_UNIX then
        return port_at(listening.address)
    end
    local _, port = _M.accepted_on()
    return port
end


return _M
