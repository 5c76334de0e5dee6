-- Entry into and return to the named location that requests of the mesh are proxied from (see
-- apisix-patch/amesh-locations.conf). nginx forgets ngx.ctx at every internal redirect, so it is kept here under a
-- number that travels in the nginx variable $ctx_ref, until the request is logged.
local attempts = require("apisix.amesh.attempts")
local upstream_tls = require("apisix.amesh.upstream_tls")

local ngx = ngx
local ngx_var = ngx.var
local pairs = pairs
local tonumber = tonumber

local _M = {}
local kept = {}
local last_number = 0
local free, free_count = {}, 0      -- numbers of requests that are over

-- one for endpoints that speak HTTP/1.1, one for HTTP/2: nginx has a module for each
local HTTP1 = "@amesh"
local HTTP2 = "@amesh_http2"


local function keep(ctx)
    local state = ctx.amesh
    if not state.number then
        if free_count > 0 then
            state.number = free[free_count]
            free_count = free_count - 1
        else
            last_number = last_number + 1
            state.number = last_number
        end
        kept[state.number] = ngx.ctx
    end

    ngx_var.ctx_ref = state.number
end


local function restore()
    local known = kept[tonumber(ngx_var.ctx_ref)]
    if known then
        ngx.ctx = known
    end
    return known and known.api_ctx
end


-- $amesh_retry is looked at when nginx enters the location, before any Lua code: so it is set first.
local function go(ctx)
    local state = ctx.amesh
    local taken_back = attempts.taken_back(ctx)
    if taken_back ~= (state.taken_back or "") then
        ngx_var.amesh_retry = taken_back
        state.taken_back = taken_back
    end
    state.entering = true
    return ngx.exec(state.http2 and HTTP2 or HTTP1)
end


-- Access phase of `location /`: goes on in the named location for the request's first try. Does not return.
function _M.enter(ctx)
    ctx.amesh.proxying = true
    keep(ctx)
    return go(ctx)
end


-- Access phase of the named location.
function _M.access()
    local ctx = restore()
    if not ctx then
        return ngx.exit(500)
    end

    local state = ctx.amesh
    if state.entering then
        state.entering = false
        return upstream_tls.check_location(ctx)
    end

    attempts.come_back(ctx)
    if attempts.taken_back(ctx) ~= (state.taken_back or "") then
        return go(ctx)
    end
end


-- Log phase of the named location, before APISIX's own.
function _M.log()
    if not ngx.ctx.api_ctx then
        restore()
    end
end


-- Requests of this process that are on their way, for tests.
function _M.kept_count()
    local count = 0
    for _, ctx in pairs(kept) do
        count = count + (ctx and 1 or 0)
    end
    return count
end


-- Log phase of the plugin.
function _M.forget(ctx)
    local state = ctx.amesh
    if state and state.number then
        -- a hole would have the table made anew when the number is taken again
        kept[state.number] = false
        free_count = free_count + 1
        free[free_count] = state.number
    end
end


return _M
