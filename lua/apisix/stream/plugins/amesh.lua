-- What a TCP filter chain of the mesh means beyond APISIX's own stream route: clusters by weight, the original
-- destination, idle time, tries to connect. See plugins.amesh in docs/translation.md.
--
-- APISIX loads stream plugins in its HTTP side as well, to check their configuration, and before 3.18 it calls init
-- there: nothing at the top of this file may need the stream side.
local core = require("apisix.core")

local ngx = ngx
local require = require

local _M = {
    version = 0.1,
    -- last of all, as on the HTTP side
    priority = -3500,
    name = "amesh",
    schema = { type = "object" },
}


function _M.check_schema(conf)
    return core.schema.check(_M.schema, conf)
end


function _M.init()
    if ngx.config.subsystem ~= "stream" then
        return
    end

    require("apisix.amesh.stream.routes").start()
    require("apisix.amesh.stream.attempts").start()
    require("apisix.amesh.stream.nginx_listeners").start()
    require("apisix.amesh.stream.transparent").start()
    require("apisix.amesh.stream.upstream_tls").start()
    require("apisix.amesh.stream.downstream_tls").start()
end


function _M.preread(conf, ctx)
    return require("apisix.amesh.stream.cluster").use(ctx, conf)
end


function _M.log(_, ctx)
    return require("apisix.amesh.stream.attempts").finish(ctx)
end


return _M
