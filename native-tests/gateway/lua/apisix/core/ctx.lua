-- A double of apisix.core.ctx: ctx.var with nginx's variables, registered ones, http_, arg_ and cookie_.
local ngx = ngx
local ngx_var = ngx.var

local _M = {}
local getters = {}
local uncached = { args = true, is_args = true }

local written = {
    upstream_scheme = true, upstream_host = true, upstream_upgrade = true, upstream_connection = true,
    upstream_uri = true,
}

local mt = {
    __index = function(var, name)
        local value = var._cache[name]
        if value ~= nil then
            return value
        end

        local getter = getters[name]
        if getter then
            value = getter(var._ctx)
        elseif name:sub(1, 5) == "http_" then
            value = ngx_var[name:lower():gsub("-", "_")]
        else
            value = ngx_var[name]
        end

        if value ~= nil and not uncached[name] then
            var._cache[name] = value
        end
        return value
    end,

    __newindex = function(var, name, value)
        if written[name] then
            ngx_var[name] = value
        end
        var._cache[name] = value
    end,
}

function _M.register_var(name, getter, opts)
    getters[name] = getter
    if opts and opts.no_cacheable then
        uncached[name] = true
    end
end

function _M.set_vars_meta(ctx)
    ctx.var = setmetatable({ _cache = {}, _ctx = ctx }, mt)
end

function _M.release_vars(ctx)
    ctx.var = nil
end

return _M
