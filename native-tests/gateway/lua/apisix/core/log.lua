-- A double of apisix.core.log.
local ngx = ngx
local levels = { error = ngx.ERR, warn = ngx.WARN, notice = ngx.NOTICE, info = ngx.INFO, debug = ngx.DEBUG }
local _M = {}

for name, level in pairs(levels) do
    _M[name] = function(...)
        return ngx.log(level, ...)
    end
end

return _M
