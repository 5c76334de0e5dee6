-- Which address a request is for, and which listener of the mesh that selects.
--
-- Captured connections (iptables REDIRECT or TPROXY) are for their original destination, others that were made to the
-- address of a listener (a gateway's, or a sidecar's without transparent proxying) for that. A proxy that was called by
-- its own name is for its own address and the port that `Host` names, as one calls an HTTP proxy.
local config_local = require("apisix.core.config_local")
local try_read_attr = require("apisix.core.table").try_read_attr
local connection = require("apisix.amesh.connection")
local authority = require("apisix.amesh.authority")
local filter_chains = require("apisix.amesh.filter_chains")

local ipairs = ipairs
local tonumber = tonumber
local type = type

local _M = {}
local listen_ports


-- The ports that nginx itself listens on, for where its sockets cannot be asked: a connection accepted elsewhere came
-- by TPROXY.
local function own_ports()
    if listen_ports then
        return listen_ports
    end

    listen_ports = {}
    local conf = config_local.local_conf()
    local function add(list)
        if type(list) ~= "table" then
            list = { list }
        end
        for _, entry in ipairs(list) do
            local port = type(entry) == "table" and entry.port or entry
            listen_ports[tonumber(port) or 0] = true
        end
    end

    add(try_read_attr(conf, "plugin_attr", "amesh", "listen_ports"))
    add(try_read_attr(conf, "apisix", "node_listen"))
    add(try_read_attr(conf, "apisix", "ssl", "listen"))
    return listen_ports
end


-- The port that a captured connection arrived at where no REDIRECT says it (TPROXY); nil when the connection was made
-- to one of nginx's own addresses. One that the stream side handed on is served by another listener than it was made
-- to: then the mesh knows the port.
local function captured_at(local_port)
    local arrival_port = connection.arrival_port()
    if not connection.descriptor() then
        return not own_ports()[local_port] and arrival_port or nil
    end
    if arrival_port ~= local_port and not filter_chains.is_for_others(local_port) then
        return arrival_port
    end
end


-- { ip, port, captured, arrived_at = port, by_host, text = "ip:port" } of the request in ctx. by_host: its Host says
-- the port, else all of it is the connection's.
function _M.of(ctx)
    local known = ctx.amesh_destination
    if known then
        return known
    end

    local local_ip, local_port = connection.accepted_on()
    local ip, port = connection.original_destination()
    local captured, arrived_at, by_host = true, local_port, false
    if not ip or (ip == local_ip and port == local_port) then
        ip, port = local_ip, local_port
        arrived_at = captured_at(local_port)
        captured = arrived_at ~= nil
        if not captured and not filter_chains.has(local_ip, local_port) then
            port = authority.port(authority.of(ctx)) or 80
            by_host = true
        end
    end

    known = {
        ip = ip,
        port = port,
        captured = captured,
        arrived_at = arrived_at or local_port,
        by_host = by_host,
        text = connection.join(ip, port),
    }
    ctx.amesh_destination = known
    return known
end


return _M
