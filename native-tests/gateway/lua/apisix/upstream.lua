-- A double of apisix.upstream: endpoints by address, no discovery, no DNS, no health checks, no TLS.
local core = require("apisix.core")

local _M = {}
local upstreams

function _M.set(ctx, key, version, conf)
    ctx.upstream_conf = conf
    ctx.upstream_version = version
    ctx.upstream_key = key
end

function _M.set_scheme(ctx, conf)
    ctx.upstream_scheme = ctx.upstream_scheme or conf.scheme or "http"
    ctx.var.upstream_scheme = ctx.upstream_scheme
end

function _M.filter_upstream(value, parent)
    if not value then
        return
    end

    value.resource_key = parent.key
    value.resource_version = parent.modifiedIndex
    value.resource_id = parent.value.id
    for _, node in ipairs(value.nodes or {}) do
        node.priority = node.priority or 0
    end
end

function _M.set_by_route(_, ctx)
    if ctx.upstream_conf then
        return
    end

    local conf = ctx.matched_upstream
    if not conf then
        return 503, "missing upstream configuration in Route or Service"
    end

    _M.set(ctx, conf.resource_id, conf.resource_version .. "#" .. tostring(conf), conf)
    if not conf.nodes or #conf.nodes == 0 then
        return 503, "no valid upstream node"
    end
    _M.set_scheme(ctx, conf)
end

function _M.get_by_id(id)
    local upstream = upstreams:get(id)
    if not upstream then
        core.log.error("failed to find upstream by id: ", id)
        return nil
    end
    return upstream.value
end

function _M.init_worker()
    upstreams = core.config.new("/upstreams", {
        automatic = true,
        item_schema = core.schema.upstream,
        filter = function(item)
            item.has_domain = false
            _M.filter_upstream(item.value, item)
        end,
    })
end

return _M
