-- Redirects: a new location made of the request's own parts and of what the route replaces.
local authority = require("apisix.amesh.authority")
local rewrite = require("apisix.amesh.rewrite")
local variables = require("apisix.amesh.variables")

local ngx = ngx
local byte = string.byte
local find = string.find
local match = string.match
local sub = string.sub

local _M = {}

local SLASH = byte("/")
local DEFAULT_PORT = { http = ":80", https = ":443" }


local function absolute(path)
    return byte(path, 1) == SLASH and path or "/" .. path
end


local function new_host(ctx, redirect, old_scheme, scheme)
    if redirect.host then
        return redirect.host
    end

    local host = authority.of(ctx)
    local bare = authority.without_port(host)
    local port = sub(host, #bare + 1)
    if redirect.port or (scheme ~= old_scheme and port == DEFAULT_PORT[old_scheme]) then
        return bare
    end

    return host
end


local function new_path(ctx, redirect)
    local path, query = variables.path_of(ctx)
    if redirect.path then
        path = redirect.path
        if find(path, "?", 1, true) then
            return absolute(path)
        end
    elseif redirect.rewrite then
        path = rewrite.path(path, redirect.rewrite)
    end
    path = absolute(path)

    if redirect.strip_query then
        return match(path, "^[^?]*")
    end

    return query and path .. "?" .. query or path
end


function _M.location(ctx, redirect)
    local old_scheme = ngx.var.scheme
    local scheme = redirect.scheme or old_scheme
    local port = redirect.port and ":" .. redirect.port or ""
    return scheme .. "://" .. new_host(ctx, redirect, old_scheme, scheme) .. port .. new_path(ctx, redirect)
end


return _M
