-- A cluster whose endpoints differ in TLS is several upstreams; the label `amesh_groups` of the first names all of them
-- with the sums of their endpoints' weights: "ID1=weight,ID2=weight".
local gmatch = string.gmatch
local setmetatable = setmetatable
local tonumber = tonumber

local _M = {}
local known = setmetatable({}, { __mode = "k" })


-- { {upstream_id, weight}, ... } of an upstream, nil when it is its cluster's only one.
function _M.of(upstream)
    local text = upstream.labels and upstream.labels.amesh_groups
    if not text then
        return nil
    end

    local groups = known[upstream]
    if not groups then
        groups = {}
        for id, weight in gmatch(text, "([^,=]+)=(%d+)") do
            groups[#groups + 1] = { upstream_id = id, weight = tonumber(weight) }
        end
        known[upstream] = groups
    end
    return groups
end


return _M
