-- Which upstreams an object names, so that they can be read together with it: by the time that a request needs them, a
-- newer commit may have taken them away.
local upstream_groups = require("apisix.amesh.upstream_groups")

local gmatch = string.gmatch
local ipairs = ipairs
local type = type

local _M = {}


local function each(list, visit)
    if type(list) == "table" then
        for _, one in ipairs(list) do
            if type(one) == "table" and type(one.upstream_id) == "string" then
                visit(one.upstream_id)
            end
        end
    end
end


local function of_route(value, visit)
    if type(value.upstream_id) == "string" then
        visit(value.upstream_id)
    end

    local plugin = type(value.plugins) == "table" and value.plugins.amesh
    if type(plugin) == "table" then
        each(plugin.clusters, visit)
        each(plugin.mirrors, visit)
    end
end


-- An upstream that stands for several: "ID1=weight,ID2=weight" in its label, itself among them.
local function of_upstream(value, visit)
    local groups = upstream_groups.text(value.labels)
    if groups then
        for id in gmatch(groups, "([^=,]+)=") do
            if id ~= value.id then
                visit(id)
            end
        end
    end
end


local BY_KIND = {
    ["/routes"] = of_route,
    ["/stream_routes"] = of_route,
    ["/upstreams"] = of_upstream,
}


-- For a kind whose objects name upstreams: a function(value, visit) that calls visit(id) for each of them.
function _M.of(kind)
    return BY_KIND[kind]
end


return _M
