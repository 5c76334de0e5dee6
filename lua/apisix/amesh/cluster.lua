-- Where a request goes: one cluster of the route, chosen by weight, as an APISIX upstream; or the address that the
-- connection was meant for.
local core = require("apisix.core")
local upstream = require("apisix.upstream")
local connection = require("apisix.amesh.connection")
local destination = require("apisix.amesh.destination")
local local_reply = require("apisix.amesh.local_reply")
local outlier = require("apisix.amesh.outlier")
local upstream_groups = require("apisix.amesh.upstream_groups")

local ipairs = ipairs
local random = math.random
local find = string.find

local _M = {}

local NO_HEALTHY = "no healthy upstream"
-- an original destination is given up on as Envoy's default cluster does
local ORIGINAL_DST_TIMEOUT = { connect = 10, send = 86400, read = 86400 }


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


local function original_dst(ctx, timeout)
    local target = destination.of(ctx)
    if not target.captured then
        -- the connection was made to this proxy itself; going there again would never end
        return local_reply.send(ctx, 503, NO_HEALTHY)
    end

    local host = find(target.ip, ":", 1, true) and "[" .. target.ip .. "]" or target.ip
    local conf = {
        id = "original_dst",
        type = "roundrobin",
        scheme = "http",
        pass_host = "pass",
        hash_on = "vars",
        retries = 0,
        timeout = timeout or ORIGINAL_DST_TIMEOUT,
        nodes = { { host = host, port = target.port, weight = 1, priority = 0 } },
    }
    -- APISIX before 3.10 looks here for the owner of a health checker
    conf.parent = ctx.matched_route

    local address = connection.join(target.ip, target.port)
    upstream.set(ctx, "amesh#" .. address, "1", conf)
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


local function by_id(ctx, id, not_found_status)
    local value
    id, value = _M.group_of(id, _M.upstream_by_id(id))
    if not value or not value.nodes or #value.nodes == 0 or not outlier.avoid(ctx, value) then
        if not_found_status then
            return local_reply.send(ctx, not_found_status)
        end
        return local_reply.send(ctx, 503, NO_HEALTHY)
    end

    ctx.upstream_id = id
    return value
end


-- Sets and returns the upstream of the request, or answers 503 when it has no endpoint. `target`: a cluster or the
-- whole plugin configuration; `default_id`: the route's own upstream.
function _M.use(ctx, target, default_id)
    if target.original_dst then
        return original_dst(ctx, target.timeout_conf)
    end

    local id = target.upstream_id or default_id
    if not id then
        return local_reply.send(ctx, 503, NO_HEALTHY)
    end

    return by_id(ctx, id, target.not_found_status)
end


return _M
