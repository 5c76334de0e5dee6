-- The HTTP filters of a chain that let requests through or refuse them, in the connection manager's order: before an
-- unmatched route's 404, after the connection was let in. One filter of the chain's `filters` is
-- { name, type = "rbac"|..., disabled = true|nil, ... }, and apisix/amesh/filters/TYPE.lua carries it out:
--
--   run(filter, ctx, override) -> nil (the request goes on) | status, body, headers
--
-- override: what the route says of the filter with this name (plugins.amesh.filters): nil, true (nothing but that it is
-- on), or a table of the filter's own kind; with false the filter is off and not asked.
--
-- A filter that cannot be carried out refuses the request: it is there to keep some out.
local core = require("apisix.core")
local local_reply = require("apisix.amesh.local_reply")

local ngx = ngx
local pairs = pairs
local pcall = pcall
local require = require

local _M = {}

local FORBIDDEN = 403
local NO_OVERRIDES = {}
local MODULES = "apisix.amesh.filters."

-- Parts of the plugin that stand in the list where a filter that refuses comes after them.
local IN_PLUGIN = { fault = true, cors = true }

local modules = {}


local function module_of(filter_type)
    local known = modules[filter_type]
    if known == nil then
        local found, module = pcall(require, MODULES .. filter_type)
        if not found then
            core.log.error("no request gets through filters of type ", filter_type, ": ", module)
        end
        known = found and module or false
        modules[filter_type] = known
    end
    return known
end


local function refuse(ctx, status, body, headers)
    for name, value in pairs(headers or {}) do
        ngx.header[name] = value
    end
    return local_reply.send(ctx, status, body, nil, headers and headers["content-type"])
end


-- Does not return where the request is refused.
local function ask(ctx, filter, override)
    if override == false or (filter.disabled and override == nil) then
        return
    end

    local module = module_of(filter.type)
    if not module then
        return refuse(ctx, FORBIDDEN)
    end

    local done, status, body, headers = pcall(module.run, filter, ctx, override ~= true and override or nil)
    if not done then
        core.log.error("filter ", filter.name, " refuses a request, it failed: ", status)
        return refuse(ctx, FORBIDDEN)
    end
    if status then
        return refuse(ctx, status, body, headers)
    end
end


-- Router: asks the filters up to the first that comes after a part of the plugin. conf: the matched route's
-- plugins.amesh; nil where no route of the mesh matched, and then there is no such part. A filter may have written
-- headers that routes are chosen by, and sets ctx.amesh_route_cleared: match(ctx, virtual_host) gives the conf that
-- counts from there on. Returns the last.
function _M.begin(ctx, filters, conf, match, virtual_host)
    local overrides = conf and conf.filters or NO_OVERRIDES
    for position = 1, #filters do
        local filter = filters[position]
        if not IN_PLUGIN[filter.type] then
            ask(ctx, filter, overrides[filter.name])
            if ctx.amesh_route_cleared and match then
                ctx.amesh_route_cleared = nil
                conf = match(ctx, virtual_host)
                overrides = conf and conf.filters or NO_OVERRIDES
            end
        elseif conf then
            ctx.amesh_filters_left = position
            return conf
        end
    end

    ctx.amesh_filters_left = #filters + 1
    return conf
end


-- Plugin: carries out the parts (by type, a function each) and what filters are left, each in its place; the parts that
-- the list does not have come last, in the order of `default_order`.
function _M.go_on(ctx, filters, conf, parts, default_order)
    local overrides = conf.filters or NO_OVERRIDES
    local done = {}
    -- a router of APISIX's own began nothing
    for position = ctx.amesh_filters_left or 1, #filters do
        local filter = filters[position]
        if not IN_PLUGIN[filter.type] then
            ask(ctx, filter, overrides[filter.name])
        elseif not done[filter.type] then
            done[filter.type] = true
            parts[filter.type](ctx, conf)
        end
    end

    for position = 1, #default_order do
        local part = default_order[position]
        if not done[part] then
            parts[part](ctx, conf)
        end
    end
end


return _M
