-- Upstreams that APISIX need not look at again for each request: at an upstream's first use it completes its nodes;
-- each time it finds it by its id, makes a version of it as a text, and asks for a health checker. What that comes to
-- is the same for all requests of an upstream of the mesh, whose endpoints are addresses and are checked by the
-- library; so it is kept beside the object.
local upstream = require("apisix.upstream")

local find = string.find
local ipairs = ipairs
local setmetatable = setmetatable

local _M = {}

-- value of an upstream -> { key, version } under which APISIX's balancer keeps what it makes of it; false for one that
-- APISIX must look at each time
local known = setmetatable({}, { __mode = "k" })


local function is_plain(value)
    if value.checks or value.tls or value.service_name then
        return false
    end
    for _, node in ipairs(value.nodes) do
        -- a name is looked up by APISIX
        if not find(node.host, ":", 1, true) and not find(node.host, "^%d+%.%d+%.%d+%.%d+$") then
            return false
        end
    end
    return true
end


-- Once APISIX has found the request's upstream.
function _M.remember(ctx)
    local value = ctx.upstream_conf
    -- as APISIX marks nodes that it has completed
    if known[value] == nil and value.nodes_ref == value.nodes then
        known[value] = is_plain(value) and { key = ctx.upstream_key, version = ctx.upstream_version }
    end
end


-- Access phase: gives the request an upstream that is remembered. Any other APISIX finds by ctx.upstream_id.
function _M.use(ctx, value)
    local found = not ctx.upstream_conf and known[value]
    if found then
        upstream.set(ctx, found.key, found.version, value)
        upstream.set_scheme(ctx, value)
    end
end


return _M
