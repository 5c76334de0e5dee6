-- The captured port: every connection of the application, or to it, begins here. The listener that it is for says which
-- kind of traffic it is, or that the first bytes do; then nginx hands the very socket to the listener for that kind
-- (`pass $amesh_target`): no further hop, and the socket still tells where the connection was going.
local config_local = require("apisix.core.config_local")
local log = require("apisix.core.log")
local try_read_attr = require("apisix.core.table").try_read_attr
local connection = require("apisix.amesh.connection")
local ending = require("apisix.amesh.ending")
local filter_chains = require("apisix.amesh.filter_chains")
local handed = require("apisix.amesh.stream.handed")
local handover = require("apisix.amesh.handover")
local inspection = require("apisix.amesh.stream.inspection")
local nginx_listeners = require("apisix.amesh.stream.nginx_listeners")
local first_bytes = require("apisix.amesh.stream.first_bytes")

local ngx = ngx
local pairs = pairs
local rawget = rawget
local setmetatable = setmetatable
local var = ngx.var

local _M = {}

-- listeners of this nginx that connections are handed to; plugin_attr.amesh.targets changes them
local TARGETS = {
    http = "127.0.0.1:15080",
    https = "127.0.0.1:15443",
    tcp = "127.0.0.1:15090",
    tls = "127.0.0.1:15091",
}
-- nothing takes the connection
local CLOSED = 403
-- seconds until a client has to have said something to a chain that ends TLS, as nginx has it
local HANDSHAKE_TIMEOUT = 60

local targets


local function target(kind)
    if not targets then
        local conf = config_local.local_conf()
        local own = try_read_attr(conf, "plugin_attr", "amesh", "targets") or {}
        targets = {}
        for name, address in pairs(TARGETS) do
            targets[name] = own[name] or address
        end
    end
    return targets[kind]
end


-- The client's end costs a call of the kernel, and hardly any chain asks for it.
local with_source = {
    __index = function(about, field)
        if field == "source_ip" or field == "source_port" then
            about.source_ip, about.source_port = connection.client()
            return rawget(about, field)
        end
    end,
}


-- The connection as filter_chains wants it.
local function arrived(fd)
    local arrival_port = connection.arrival_port()
    local local_ip, local_port = connection.accepted_on()
    local ip, port = connection.original_destination()
    local about = setmetatable({
        local_port = arrival_port,
        destination_ip = ip,
        destination_port = port,
        captured = true,
    }, with_source)

    if not ip or (ip == local_ip and port == local_port) then
        about.destination_ip, about.destination_port = local_ip, local_port
        about.captured = local_port ~= arrival_port
        -- the HTTP side cannot see which of the two it is
        handover.tell(fd, about.source_ip, about.source_port, arrival_port)
    end
    return about
end


local function kind_of(chain)
    if chain.http then
        return chain.tls and "https" or "http"
    end
    if chain.stream_route then
        return chain.tls and "tls" or "tcp"
    end
end


local function close(about, why)
    log.info("closed a connection to ", connection.join(about.destination_ip, about.destination_port), ": ", why)
    return ngx.exit(CLOSED)
end


local function hand_to(kind)
    nginx_listeners.restore()
    var.amesh_target = target(kind)
end


-- preread phase of the captured port's server
function _M.preread()
    local fd = connection.descriptor()
    if not fd then
        -- nothing can be known about it: HTTP, as an APISIX without stream would take it
        return hand_to("http")
    end

    ending.catch_up()
    local about = arrived(fd)
    local listener = filter_chains.listener(about)
    if not listener then
        -- a proxy that was called by name, as one calls an HTTP proxy; or the mesh has not come, or knows nothing of
        -- it: APISIX's own routes may
        return hand_to("http")
    end

    local seen, why = inspection.of(fd, listener)
    if not seen then
        return close(about, why)
    end
    about.transport, about.sni, about.alpn = seen.transport, seen.sni, seen.alpn
    ending.catch_up()   -- the first bytes may have been waited for
    local chain = filter_chains.match(about)
    local kind = chain and kind_of(chain)
    if not kind then
        return close(about, "no filter chain takes it")
    end
    if chain.tls and seen.transport ~= "tls"
        and not first_bytes.await(fd, first_bytes.begin_tls, HANDSHAKE_TIMEOUT)
    then
        -- nginx's HTTPS would answer it with a page
        return close(about, "it is no TLS, which its filter chain ends")
    end

    if not chain.http then
        -- whoever asks for it later may do so when the client is gone
        about.source_ip, about.source_port = connection.client()
        handed.over({ chain = chain, listener = listener, about = about, fd = fd })
    end
    hand_to(kind)
end


-- log phase of the captured port's server: the connection was not handed on
function _M.log()
    first_bytes.forget()
    handed.forget()
end


return _M
