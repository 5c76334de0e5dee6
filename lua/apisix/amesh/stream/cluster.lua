-- Where a TCP connection goes: one cluster, chosen by weight, as an APISIX upstream; or where it was going anyway.
local core = require("apisix.core")
local upstream = require("apisix.upstream")
local circuit = require("apisix.amesh.stream.circuit")
local circuit_limits = require("apisix.amesh.circuit_limits")
local cluster = require("apisix.amesh.cluster")
local connection = require("apisix.amesh.connection")
local followed = require("apisix.amesh.followed")
local outlier = require("apisix.amesh.outlier")
local upstream_tls = require("apisix.amesh.stream.upstream_tls")

local find = string.find
local ngx = ngx
local tostring = tostring

local _M = {}

-- as nginx says it where no upstream can be had
local UNAVAILABLE = 503
local CONNECT_TIMEOUT = 10
local FOREVER = 86400


local function close(why)
    core.log.info("closed a connection: ", why)
    return ngx.exit(UNAVAILABLE)
end


local function original_dst(ctx, from)
    local found = ctx.amesh_connection
    local about = found and found.about
    if not about or not about.captured then
        return close("it was made to this proxy itself, going there again would never end")
    end

    local port = from and from.port or about.destination_port
    local connect = from and from.connect_timeout or CONNECT_TIMEOUT
    ctx.amesh.bind_source = from and from.bind_source
    local host = about.destination_ip
    if find(host, ":", 1, true) then
        host = "[" .. host .. "]"
    end

    local conf = {
        id = "original_dst",
        type = "roundrobin",
        scheme = "tcp",
        timeout = { connect = connect, send = FOREVER, read = FOREVER },
        nodes = { { host = host, port = port, weight = 1, priority = 0 } },
        labels = from and circuit_limits.labels(from),
    }
    local ok, why = circuit.enter(ctx, conf)
    if not ok then
        return close("no connection to its original destination: " .. why)
    end

    conf.parent = ctx.matched_route
    upstream.set(ctx, "amesh#" .. connection.join(about.destination_ip, port), tostring(connect), conf)
    ctx.matched_upstream = conf
end


-- conf: the stream route's plugins.amesh
function _M.use(ctx, conf)
    ctx.amesh = { conf = conf }

    local chosen = conf.clusters and cluster.choose(conf.clusters) or conf
    if chosen.original_dst then
        return original_dst(ctx, chosen.original_dst_from)
    end

    local id = chosen.upstream_id or ctx.matched_route.value.upstream_id
    local value = id and cluster.upstream_by_id(id)
    id, value = cluster.group_of(id, value)
    if not value or not value.nodes or #value.nodes == 0 or not outlier.avoid(ctx, value) then
        return close("no endpoint of " .. (id or "no cluster"))
    end

    local ok, why = upstream_tls.prepare(ctx, value)
    if not ok then
        core.log.error("no TLS to cluster ", value.name or id, ": ", why, "; the connection is closed")
        return ngx.exit(UNAVAILABLE)
    end

    ok, why = circuit.enter(ctx, value)
    if not ok then
        return close((value.name or id) .. ": " .. why)
    end

    followed.sent(value)
    if conf.hash_source_ip and value.type == "amesh_hash" then
        ctx.amesh_hash = ctx.amesh_connection.about.source_ip
    end
    ctx.amesh.bind_source = value.labels and value.labels.amesh_bind_source
    ctx.upstream_id = id
    -- APISIX before 3.17 does not look at the plugin's choice
    ctx.matched_upstream = upstream.get_by_id(id)
end


return _M
