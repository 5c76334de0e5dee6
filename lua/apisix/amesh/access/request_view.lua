-- What is known of a request, for HTTP filters.
local authority = require("apisix.amesh.authority")
local connection_view = require("apisix.amesh.access.connection_view")
local forwarded = require("apisix.amesh.forwarded")
local headers = require("apisix.amesh.headers")
local variables = require("apisix.amesh.variables")

local ngx_req = ngx.req
local ngx_var = ngx.var
local setmetatable = setmetatable

local _M = setmetatable({}, { __index = connection_view })

local PSEUDO = {
    [":method"] = function()
        return ngx_req.get_method()
    end,
    [":authority"] = authority.of,
    -- Envoy knows it by no other name, and an absolute request target outranks it
    ["host"] = authority.of,
    [":path"] = function(ctx)
        local path, query = variables.path_of(ctx)
        return query and path .. "?" .. query or path
    end,
    [":scheme"] = function()
        return ngx_var.scheme
    end,
}


function _M.header(ctx, name)
    local pseudo = PSEUDO[name]
    if pseudo then
        return pseudo(ctx)
    end
    return headers.value(ctx, name)
end


function _M.path(ctx)
    return (variables.path_of(ctx))
end


-- The client's own address, as far as the connection manager believes what proxies before this one say.
_M.remote_ip = forwarded.client


function _M.metadata(ctx, namespace)
    local all = ctx.amesh_metadata
    return all and all[namespace]
end


return _M
