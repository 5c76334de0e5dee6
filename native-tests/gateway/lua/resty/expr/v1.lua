-- A double of lua-resty-expr: [variable, operator, value], [variable, "!", operator, value], AND, OR, !AND, !OR.
local find = ngx.re.find

local _M = {}
local mt = { __index = _M }

local function numeric(compare)
    return function(left, right)
        left, right = tonumber(left), tonumber(right)
        return left ~= nil and right ~= nil and compare(left, right)
    end
end

local function equal(left, right)
    if type(right) == "number" then
        left = tonumber(left)
    end
    return left == right
end

local operators = {
    ["=="] = equal,
    ["~="] = function(left, right) return not equal(left, right) end,
    [">"] = numeric(function(a, b) return a > b end),
    [">="] = numeric(function(a, b) return a >= b end),
    ["<"] = numeric(function(a, b) return a < b end),
    ["<="] = numeric(function(a, b) return a <= b end),
    ["~~"] = function(left, right) return left ~= nil and find(left, right, "jo") ~= nil end,
    ["~*"] = function(left, right) return left ~= nil and find(left, right, "joi") ~= nil end,
    ["in"] = function(left, right)
        for _, one in ipairs(right) do
            if one == left then
                return true
            end
        end
        return false
    end,
}

local logic = { AND = { all = true }, OR = {}, ["!AND"] = { all = true, negated = true }, ["!OR"] = { negated = true } }
local compile

local function compile_members(rules, from, kind)
    local members = {}
    for i = from, #rules do
        local member, err = compile(rules[i])
        if not member then
            return nil, err
        end
        members[#members + 1] = member
    end

    local all, negated = kind.all or false, kind.negated or false
    return function(vars)
        local result = all
        for _, member in ipairs(members) do
            if member(vars) ~= all then
                result = not all
                break
            end
        end
        return result ~= negated
    end
end

function compile(rule)
    if type(rule) ~= "table" or #rule == 0 then
        return nil, "rule too short"
    end
    if type(rule[1]) == "table" then
        return compile_members(rule, 1, logic.AND)
    end

    local kind = logic[rule[1]:upper()]
    if kind then
        if #rule < 3 then
            return nil, "rule too short"
        end
        return compile_members(rule, 2, kind)
    end

    local name, negated = rule[1], rule[2] == "!"
    local operator, value = rule[negated and 3 or 2], rule[negated and 4 or 3]
    local compare = operators[operator]
    if not compare then
        return nil, "invalid operator '" .. tostring(operator) .. "'"
    end

    return function(vars)
        return compare(vars[name], value) ~= negated
    end
end

function _M.new(rule)
    if type(rule) ~= "table" then
        return nil, "missing argument rule"
    end
    if #rule == 0 then
        return setmetatable({ compiled = function() return true end }, mt)
    end
    if type(rule[1]) ~= "table" and not logic[rule[1]:upper()] then
        return nil, "rule should be wrapped inside brackets"
    end

    local compiled, err = compile(rule)
    if not compiled then
        return nil, err
    end
    return setmetatable({ compiled = compiled }, mt)
end

function _M.eval(self, vars)
    return self.compiled(vars)
end

return _M
