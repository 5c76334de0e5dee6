-- The connection of a try: the address that it comes from, and the pool of kept connections that it belongs to.
--
-- The pools are APISIX's; their names tell scheme, address and Host apart. What else distinguishes connections that
-- must not stand for each other (identities, authorities, source addresses) is added to the name here.
local core = require("apisix.core")
local ngx_balancer = require("ngx.balancer")
local bind_source = require("apisix.amesh.bind_source")
local upstream_tls = require("apisix.amesh.upstream_tls")

local ngx = ngx
local error = error
local pcall = pcall

local _M = {}

-- of the try that the balancer phase is choosing an endpoint for
local pool_suffix
local source


-- Once per process, before anyone takes hold of the function.
function _M.init_worker()
    if ngx_balancer.amesh_set_current_peer then
        return
    end

    local set_current_peer = ngx_balancer.set_current_peer
    ngx_balancer.amesh_set_current_peer = set_current_peer
    ngx_balancer.set_current_peer = function(host, port, options)
        if pool_suffix then
            if options and options.pool then
                options.pool = options.pool .. pool_suffix
            end
            bind_source.use(source, host)
        end
        return set_current_peer(host, port, options)
    end
end


-- Balancer phase: run(...) chooses the endpoint of a try, as apisix.balancer.run does.
function _M.around_try(ctx, run, ...)
    local suffix, why = upstream_tls.before_try(ctx)
    if not suffix then
        core.log.error(why)
        return ngx.exit(503)
    end

    local labels = ctx.upstream_conf.labels
    source = labels and labels.amesh_bind_source or ctx.amesh_bind_source
    pool_suffix = source and suffix .. "#from#" .. source or suffix
    local ok, err = pcall(run, ...)
    pool_suffix, source = nil, nil
    if not ok then
        error(err, 0)
    end
end


return _M
