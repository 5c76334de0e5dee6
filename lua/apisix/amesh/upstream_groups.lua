-- Upstreams that stand for several; the label `amesh_groups` names them with their shares: "ID1=weight,ID2=weight".
-- What does not fit into it goes on in `amesh_groups_2`, and so on.
--
-- A cluster whose endpoints differ in TLS names itself among them. One that does not is an aggregate, a cluster of
-- clusters, which lists its members in the order in which Envoy falls back from one to the next.
local gmatch = string.gmatch
local random = math.random
local setmetatable = setmetatable
local tonumber = tonumber
local type = type

local _M = {}
local known = setmetatable({}, { __mode = "k" })

-- a member with 72% of its endpoints left still takes all that is its share
local OVERPROVISIONING = 1.4


-- The whole text of an upstream's labels, nil when it has none.
function _M.text(labels)
    local text = type(labels) == "table" and labels.amesh_groups
    if type(text) ~= "string" then
        return nil
    end

    local number = 2
    local more = labels["amesh_groups_2"]
    while type(more) == "string" do
        text = text .. "," .. more
        number = number + 1
        more = labels["amesh_groups_" .. number]
    end
    return text
end


-- { {upstream_id, weight}, ... } of an upstream, nil when it is its cluster's only one.
function _M.of(upstream)
    local text = _M.text(upstream.labels)
    if not text then
        return nil
    end

    local groups = known[upstream]
    if not groups then
        groups = { is_aggregate = true, total = 0 }
        for id, weight in gmatch(text, "([^,=]+)=(%d+)") do
            groups[#groups + 1] = { upstream_id = id, weight = tonumber(weight) }
            groups.total = groups.total + tonumber(weight)
            groups.is_aggregate = groups.is_aggregate and id ~= upstream.id
        end
        known[upstream] = groups
    end
    return groups
end


local function draw(groups)
    local point = random() * groups.total
    for index = 1, #groups do
        point = point - groups[index].weight
        if point < 0 then
            return index
        end
    end
    return 1
end


-- The id and the value of the upstream of a member; nil when there is none. by_id: id -> upstream. share_left: upstream
-- -> which share of its endpoints is not ejected, 0 to 1: ejected ones count as their bad health would in Envoy.
function _M.choose_member(groups, by_id, share_left)
    local first = draw(groups)
    local found_id, found
    for offset = 0, #groups - 1 do
        local id = groups[(first - 1 + offset) % #groups + 1].upstream_id
        local member = by_id(id)
        if member and member.nodes and #member.nodes > 0 then
            if not found then
                found_id, found = id, member
            end
            if random() < share_left(member) * OVERPROVISIONING then
                return id, member
            end
        end
    end

    return found_id, found
end


return _M
