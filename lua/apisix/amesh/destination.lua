-- Which address a request is for, and which listener of the mesh that selects.
--
-- Captured connections (iptables REDIRECT or TPROXY) are for their original destination, others that were made to the
-- address of a listener (a gateway's, or a sidecar's without transparent proxying) for that. A proxy that was called by
-- its own name is for its own address and the port that `Host` names, as one calls an HTTP proxy.
local config_local = require("apisix.core.config_local")
local try_read_attr = require("apisix.core.table").try_read_attr
local connection = require("apisix.amesh.connection")
local authority = require("apisix.amesh.authority")
local listener_index = require("apisix.amesh.listener_index")

local ipairs = ipairs
local tonumber = tonumber
local type = type

local _M = {}
local listen_ports


-- The ports that nginx itself listens on: a connection accepted elsewhere came by TPROXY.
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


-- { ip, port, captured, text = "ip:port" } of the request in ctx.
function _M.of(ctx)
    local known = ctx.amesh_destination
    if known then
        return known
    end

    local local_ip, local_port = connection.accepted_on()
    local ip, port = connection.original_destination()
    local captured = true
    if not ip or (ip == local_ip and port == local_port) then
        ip, port = local_ip, local_port
        captured = not own_ports()[local_port]
        if not captured and not listener_index.has(local_ip, local_port) then
            port = authority.port(authority.of(ctx)) or 80
        end
    end

    known = { ip = ip, port = port, captured = captured, text = connection.join(ip, port) }
    ctx.amesh_destination = known
    return known
end


return _M
