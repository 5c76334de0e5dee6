-- The mesh's router, `apisix.router.http: amesh`: listener by destination, virtual host by name, then the virtual
-- host's routes in order. Each of the first two is a look-up whose cost does not grow with the mesh.
--
-- Routes that do not come from the mesh work beside it, through a stock router:
--   - for requests whose destination has no listener of the mesh;
--   - for requests that called this proxy by its own name, before the mesh's catch-all (domain "*").
-- A captured request that has a listener but no virtual host or no route is answered 404, as Envoy does; before the
-- first commit, when nothing is known of any destination, 503.
local core = require("apisix.core")
local http_route = require("apisix.http.route")
local admission = require("apisix.amesh.admission")
local authority = require("apisix.amesh.authority")
local copies = require("apisix.amesh.copies")
local destination = require("apisix.amesh.destination")
local ending = require("apisix.amesh.ending")
local forwarded = require("apisix.amesh.forwarded")
local http_filters = require("apisix.amesh.http_filters")
local listeners = require("apisix.amesh.listeners")
local local_reply = require("apisix.amesh.local_reply")
local path = require("apisix.amesh.path")
local plain_routes = require("apisix.amesh.plain_routes")
local route_table = require("apisix.amesh.route_table")
local tcp_routes = require("apisix.amesh.tcp_routes")
local virtual_hosts = require("apisix.amesh.virtual_hosts")

local ngx = ngx
local ngx_var = ngx.var
local ngx_header = ngx.header

local _M = { version = 0.1 }

-- nginx's own status for "no answer"
local CLOSE = 444
local NO_CONF = {}
local DEFAULT_STOCK_ROUTER = "radixtree_host_uri"


function _M.init_worker(filter)
    local conf = core.config.local_conf()
    local stock = core.table.try_read_attr(conf, "plugin_attr", "amesh", "fallback_router")
    plain_routes.init(stock or DEFAULT_STOCK_ROUTER)

    _M.user_routes = http_route.init_worker(filter)
    plain_routes.follow(_M.user_routes)
    virtual_hosts.init_worker()
    listeners.init_worker()
    tcp_routes.init_worker()
    copies.init_worker()
end


function _M.routes()
    if not _M.user_routes then
        return nil, nil
    end

    return _M.user_routes.values, _M.user_routes.conf_version
end


-- Sets amesh_path and amesh_query, or answers what Envoy answers to a path that it does not take.
local function read_path(ctx, listener)
    local normal, query_or_status, location = path.normalize(ngx_var.request_uri, listener)
    if not normal then
        if location then
            ngx_header["Location"] = location
        end
        return core.response.exit(query_or_status)
    end

    ctx.amesh_path, ctx.amesh_query = normal, query_or_status
end


local function set_matched(ctx, item, host)
    local matched = core.tablepool.fetch("matched_route_record", 0, 4)
    matched._path = item.value.uri
    matched._host = host
    ctx.matched_params = nil
    ctx.matched_route = item
    ctx.curr_req_matched = matched
end


-- plugins.amesh of the route that takes the request; nil when none does.
local function match_mesh(ctx, virtual_host)
    local item = route_table.match(virtual_host, _M.user_routes, ctx.var)
    if not item then
        return nil
    end

    set_matched(ctx, item, virtual_host.value.name)
    local plugins = item.value.plugins
    return plugins and plugins.amesh or NO_CONF
end


-- A client may try again: what is missing is the control plane's first push, not the route.
local function mesh_is_unknown()
    local applied_version = core.config.applied_version
    if applied_version and not applied_version() then
        return core.response.exit(503)
    end

    return false
end


-- As Envoy ends a connection that no filter chain takes: without a word.
local function close()
    return ngx.exit(CLOSE)
end


local function match_tcp(ctx, chain)
    local item = tcp_routes.of(chain)
    if not item then
        return close()
    end

    set_matched(ctx, item, chain.name)
    return true
end


local function find_virtual_host(http, host)
    local virtual_host, only_any = virtual_hosts.find(http.route_config, host, http.ignore_port)
    if virtual_host and route_table.is_missing(virtual_host, _M.user_routes) and virtual_hosts.renew(virtual_host) then
        return virtual_hosts.find(http.route_config, host, http.ignore_port)
    end

    return virtual_host, only_any
end


local function match_http(ctx, http)
    forwarded.request(ctx, http)
    ctx.amesh_bind_source = http.bind_source
    local host = authority.of(ctx)
    local virtual_host, only_any = find_virtual_host(http, host)
    if (only_any or not virtual_host) and not destination.of(ctx).captured
        and plain_routes.match(ctx)
    then
        if http.filters then
            http_filters.begin(ctx, http.filters)
        end
        return true
    end

    read_path(ctx, http)
    local conf = virtual_host and match_mesh(ctx, virtual_host)
    if http.filters then
        conf = http_filters.begin(ctx, http.filters, conf, virtual_host and match_mesh, virtual_host)
    end
    return conf and true or local_reply.send(ctx, 404)
end


function _M.match(ctx)
    ending.catch_up()
    local copy = copies.received(ctx)
    if copy then
        set_matched(ctx, copy)
        return true
    end

    local chain, listener = listeners.chain(ctx)
    if not listener then
        return plain_routes.match(ctx) or mesh_is_unknown()
    end

    if chain and not admission.admits(ctx, chain) then
        return close()
    end
    if chain and chain.http then
        return match_http(ctx, chain.http)
    end

    if not destination.of(ctx).captured and plain_routes.match(ctx) then
        return true
    end
    return chain and chain.stream_route and match_tcp(ctx, chain) or close()
end


return _M
