-- Variables for route predicates: what Envoy matches on and nginx has no variable for.
--
-- amesh_header_NAME and amesh_query_NAME exist once `ensure_all` was called with them: the router does so for the
-- predicates that it compiles.
local register_var = require("apisix.core.ctx").register_var
local authority = require("apisix.amesh.authority")
local connection = require("apisix.amesh.connection")
local destination = require("apisix.amesh.destination")
local headers = require("apisix.amesh.headers")
local listeners = require("apisix.amesh.listeners")
local path = require("apisix.amesh.path")

local ngx_var = ngx.var
local ngx_req = ngx.req
local ipairs = ipairs
local pairs = pairs
local random = math.random
local sub = string.sub
local type = type

local _M = {}
local registered = {}

local HEADER = "amesh_header_"
local QUERY = "amesh_query_"
local MILLION = 1000000
local uncached = { no_cacheable = true }


function _M.path_of(ctx)
    if not ctx.amesh_path then
        local target = ngx_var.request_uri
        local normal, query = path.normalize(target, listeners.of(ctx))
        if not normal then
            normal, query = path.split(target)
        end
        ctx.amesh_path, ctx.amesh_query = normal, query
    end

    return ctx.amesh_path, ctx.amesh_query
end


-- Another path, or another query, than the client sent.
function _M.set_path(ctx, normal, query)
    ctx.amesh_path, ctx.amesh_query = normal, query
    ctx.var._cache.amesh_path = nil
    ctx.var._cache.amesh_path_and_query = nil
end


local getters = {
    connection_original_dst = function()
        local ip, port = connection.original_destination()
        if not ip then
            ip, port = connection.accepted_on()
        end
        return connection.join(ip, port)
    end,
    amesh_destination = function(ctx)
        return destination.of(ctx).text
    end,
    amesh_route_config = function(ctx)
        local http = listeners.of(ctx)
        return http and http.route_config or ""
    end,
    amesh_path = function(ctx)
        return (_M.path_of(ctx))
    end,
    amesh_path_and_query = function(ctx)
        local path_alone, query = _M.path_of(ctx)
        return query and path_alone .. "?" .. query or path_alone
    end,
    amesh_authority = authority.of,
    -- for logs: the filter and policy that refused the request
    amesh_denied_by = function(ctx)
        return ctx.amesh_denied_by
    end,
    amesh_method = function()
        return ngx_req.get_method()
    end,
    amesh_scheme = function()
        return ngx_var.scheme
    end,
}


-- Registers the getter of one amesh_header_NAME or amesh_query_NAME; other names are left alone.
local function ensure(name)
    if registered[name] or type(name) ~= "string" then
        return
    end
    registered[name] = true

    if sub(name, 1, #HEADER) == HEADER then
        local header = sub(name, #HEADER + 1)
        register_var(name, function(ctx)
            return headers.value(ctx, header)
        end, uncached)

    elseif sub(name, 1, #QUERY) == QUERY then
        local parameter = sub(name, #QUERY + 1)
        register_var(name, function(ctx)
            local _, query = _M.path_of(ctx)
            return path.query_parameter(query, parameter)
        end, uncached)
    end
end


-- Registers the getters of all variables that a `vars` expression uses.
function _M.ensure_all(vars)
    for _, part in ipairs(vars) do
        if type(part) == "table" then
            _M.ensure_all(part)
        end
    end
    ensure(vars[1])
end


for name, getter in pairs(getters) do
    register_var(name, getter)
end

-- For routes that take a part of the requests. Drawn once for a request, as in Envoy: of two routes that take half of
-- them, the second is left none.
register_var("amesh_random_ppm", function()
    return random(0, MILLION - 1)
end)


return _M
