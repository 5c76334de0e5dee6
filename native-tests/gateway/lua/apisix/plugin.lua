-- A double of apisix.plugin: the plugins named in the configuration, run in order of their priority.
local core = require("apisix.core")

local _M = {}
local loaded = {}

function _M.init_worker()
    for _, name in ipairs(core.config.local_conf().plugins) do
        local plugin = require("apisix.plugins." .. name)
        if plugin.init then
            plugin.init()
        end
        loaded[#loaded + 1] = plugin
    end

    table.sort(loaded, function(a, b)
        return a.priority > b.priority
    end)
end

function _M.plugin_checker(item)
    for name, conf in pairs(item.plugins or {}) do
        if type(conf) ~= "table" then
            return false, "invalid plugin conf for plugin [" .. name .. "]"
        end
    end
    return true
end

function _M.filter(_, route)
    local plugins = {}
    for _, plugin in ipairs(loaded) do
        local conf = (route.value.plugins or {})[plugin.name]
        if conf then
            plugins[#plugins + 1] = plugin
            plugins[#plugins + 1] = conf
        end
    end
    return plugins
end

function _M.run_plugin(phase, plugins, ctx)
    local run = false
    for i = 1, plugins and #plugins or 0, 2 do
        local fun = plugins[i][phase]
        if fun then
            run = true
            local code, body = fun(plugins[i + 1], ctx)
            if code and (phase == "rewrite" or phase == "access") then
                core.response.exit(code, body)
            end
        end
    end
    return ctx, run
end

return _M
