-- A fixed set of hosts with weights, and a choice among them by chance.
local ipairs = ipairs
local next = next
local pairs = pairs
local random = math.random
local setmetatable = setmetatable
local sort = table.sort

local _M = {}
local mt = { __index = _M }


-- up_nodes: host -> weight, as APISIX hands them to a balancer.
function _M.new(up_nodes)
    local names = {}
    for host in pairs(up_nodes) do
        names[#names + 1] = host
    end
    sort(names)

    local weights, total, equal = {}, 0, true
    for index, host in ipairs(names) do
        weights[index] = up_nodes[host]
        total = total + weights[index]
        equal = equal and weights[index] == weights[1]
    end

    if total == 0 then
        -- endpoints that are all weighted zero are used alike
        for index = 1, #names do
            weights[index] = 1
        end
        total, equal = #names, true
    end

    return setmetatable({
        names = names,
        weights = weights,
        count = #names,
        total = total,
        equal = equal,
    }, mt)
end


local function choose_among(self, excluded, weigh)
    local total = 0
    for index = 1, self.count do
        local host = self.names[index]
        if not (excluded and excluded[host]) then
            total = total + (weigh and weigh(host, self.weights[index]) or self.weights[index])
        end
    end

    local point = random() * total
    local chosen
    for index = 1, self.count do
        local host = self.names[index]
        if not (excluded and excluded[host]) then
            local weight = weigh and weigh(host, self.weights[index]) or self.weights[index]
            if weight > 0 then
                chosen = host
                point = point - weight
                if point < 0 then
                    break
                end
            end
        end
    end

    if not chosen then
        return nil, "all upstream servers tried"
    end
    return chosen
end


-- excluded: set of hosts not to choose, or nil. weigh(host, weight): weight to use in place of the host's own.
function _M.choose(self, excluded, weigh)
    if not weigh and self.equal and (not excluded or next(excluded) == nil) then
        return self.names[random(self.count)]
    end

    return choose_among(self, excluded, weigh)
end


return _M
