-- Upstreams that APISIX need not look at again for each request: it completes the nodes of an upstream at its first
-- use, finds it again by its id each time, makes a version of it as a text, and asks for a health checker. What that
-- comes to is the same for all requests of an upstream of the mesh, whose endpoints are addresses and are checked by
-- the library; so it is kept beside the object.
local upstream = require("apisix.upstream")

local find = string.find
local ipairs = ipairs
local setmetatable = setmetatable

local _M = {}

-- value of an upstream -> its version for APISIX's balancer, which keeps what it makes of an upstream by that; false
-- for one that is left to APISIX
local versions = setmetatable({}, { __mode = "k" })
local last_version = 0


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


local function version_of(value)
    local version = versions[value]
    -- as APISIX marks nodes that it has completed
    if version == nil and value.nodes_ref == value.nodes then
        version = false
        if is_plain(value) then
            last_version = last_version + 1
            version = "amesh#" .. last_version
        end
        versions[value] = version
    end
    return version
end


-- Access phase: gives the request an upstream, where that can be said already. Else APISIX finds it by ctx.upstream_id.
function _M.use(ctx, id, value)
    local version = not ctx.upstream_conf and version_of(value)
    if version then
        upstream.set(ctx, id, version, value)
        upstream.set_scheme(ctx, value)
    end
end


return _M
