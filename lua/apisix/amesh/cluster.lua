-- Where a request goes: one cluster of the route, chosen by weight, as an APISIX upstream; or the address that the
-- connection was meant for.
local core = require("apisix.core")
local upstream = require("apisix.upstream")
local circuit_limits = require("apisix.amesh.circuit_limits")
local authority = require("apisix.amesh.authority")
local connection = require("apisix.amesh.connection")
local destination = require("apisix.amesh.destination")
local followed = require("apisix.amesh.followed")
local headers = require("apisix.amesh.headers")
local local_reply = require("apisix.amesh.local_reply")
local object_id = require("apisix.amesh.object_id")
local outlier = require("apisix.amesh.outlier")
local ready_upstreams = require("apisix.amesh.ready_upstreams")
local upstream_groups = require("apisix.amesh.upstream_groups")

local ipairs = ipairs
local random = math.random
local find = string.find
local match = string.match
local max = math.max
local tonumber = tonumber
local tostring = tostring

local _M = {}

local NOTHING = {}
local NO_HEALTHY = "no healthy upstream"
local AUTHORITY = ":authority"
-- an original destination is given up on after so many seconds where its cluster says nothing
local ORIGINAL_DST_CONNECT = 10
local FOREVER = 86400


-- clusters: [{weight, ...}]. Chance decides, not turns, as in Envoy.
function _M.choose(clusters)
    local total = 0
    for _, cluster in ipairs(clusters) do
        total = total + (cluster.weight or 0)
    end
    if total <= 0 then
        return clusters[1]
    end

    local point = random(total)
    for _, cluster in ipairs(clusters) do
        point = point - (cluster.weight or 0)
        if point <= 0 then
            return cluster
        end
    end
end


local function is_address(text)
    local a, b, c, d = match(text, "^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    return a and max(a, b, c, d) <= 255 or find(text, "^[%x:.]+$") and find(text, ":", 1, true)
end


-- The address and port that a header names; nil when it names none.
local function named_destination(ctx, header)
    local value = headers.value(ctx, header) or ""
    local ip, port = match(value, "^%[([^%]]+)%]:(%d+)$")
    if not ip then
        ip, port = match(value, "^([%d.]+):(%d+)$")
    end
    port = tonumber(port)
    if ip and is_address(ip) and port > 0 and port <= 65535 then
        return ip, port
    end
end


-- from: {header, port, connect_timeout}, what the cluster says besides; nil for nothing.
local function original_dst(ctx, from)
    from = from or NOTHING
    local ip, port
    if from.header then
        ip, port = named_destination(ctx, from.header)
    end
    if not ip then
        local target = destination.of(ctx)
        if not target.captured then
            -- the connection was made to this proxy itself; going there again would never end
            return local_reply.send(ctx, 503, NO_HEALTHY)
        end
        ip, port = target.ip, target.port
    end

    port = from.port or port
    ctx.amesh_bind_source = from.bind_source
    local connect = from.connect_timeout or ORIGINAL_DST_CONNECT
    local host = find(ip, ":", 1, true) and "[" .. ip .. "]" or ip
    local conf = {
        id = "original_dst",
        type = "roundrobin",
        scheme = "http",
        pass_host = "pass",
        hash_on = "vars",
        retries = 0,
        timeout = { connect = connect, send = FOREVER, read = FOREVER },
        nodes = { { host = host, port = port, weight = 1, priority = 0 } },
        labels = circuit_limits.labels(from),
    }
    -- APISIX before 3.10 looks here for the owner of a health checker
    conf.parent = ctx.matched_route

    local address = connection.join(ip, port)
    upstream.set(ctx, "amesh#" .. address, tostring(connect), conf)
    upstream.set_scheme(ctx, conf)
    ctx.matched_upstream = conf
    return conf
end


-- The upstream of this id; nil when there is none.
function _M.upstream_by_id(id)
    local upstreams = core.config.fetch_created_obj("/upstreams")
    local item = upstreams and upstreams:get(id)
    return item and item.value
end


-- The member of an aggregate, and the part of a cluster whose endpoints want one kind of TLS: an upstream that stands
-- for others names them all.
function _M.group_of(id, value)
    local groups = value and upstream_groups.of(value)
    if groups and groups.is_aggregate then
        id, value = upstream_groups.choose_member(groups, _M.upstream_by_id, outlier.share_left)
        groups = value and upstream_groups.of(value)
    end
    if not groups or groups.is_aggregate then
        return id, value
    end

    id = _M.choose(groups).upstream_id
    return id, _M.upstream_by_id(id)
end


local function use_upstream(ctx, id, value, not_found_status)
    if not value or not value.nodes or #value.nodes == 0 or not outlier.avoid(ctx, value) then
        if not_found_status then
            return local_reply.send(ctx, not_found_status)
        end
        return local_reply.send(ctx, 503, NO_HEALTHY)
    end

    followed.sent(value)
    ctx.upstream_id = id
    ready_upstreams.use(ctx, value)
    return value
end


-- Sets and returns an upstream that has been chosen already, or answers 503.
function _M.use_chosen(ctx, id)
    return use_upstream(ctx, id, _M.upstream_by_id(id))
end


-- The cluster that the request itself names, in the first of the header's values.
local function by_header(ctx, target)
    local header = target.cluster_header
    local name = header == AUTHORITY and authority.of(ctx) or headers.values(ctx, header)[1]
    local id = name and object_id.of(name)
    if not id or not _M.upstream_by_id(id) then
        return local_reply.send(ctx, target.not_found_status or 503)
    end

    local value
    id, value = _M.group_of(id, _M.upstream_by_id(id))
    return use_upstream(ctx, id, value)
end


-- Sets and returns the upstream of the request, or answers 503 when it has no endpoint. `target`: a cluster or the
-- whole plugin configuration; `default_id`: the route's own upstream.
function _M.use(ctx, target, default_id)
    if target.original_dst then
        return original_dst(ctx, target.original_dst_from)
    end

    if target.cluster_header then
        return by_header(ctx, target)
    end

    local id = target.upstream_id or default_id
    if not id then
        return local_reply.send(ctx, 503, NO_HEALTHY)
    end

    local value
    id, value = _M.group_of(id, _M.upstream_by_id(id))
    return use_upstream(ctx, id, value, target.not_found_status)
end


return _M
