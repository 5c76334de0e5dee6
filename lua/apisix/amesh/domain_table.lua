-- Who has which domains, found as Envoy finds them: exact name, then the longest matching `*.suffix`, then the longest
-- matching `prefix.*`, then `*`.
local lists = require("apisix.amesh.lists")

local ipairs = ipairs
local lower = string.lower
local setmetatable = setmetatable
local sort = table.sort
local sub = string.sub
local type = type

local _M = {}
local mt = { __index = _M }


local function new_wildcards()
    return { lengths = {}, count = {}, names = {} }
end


local function by_descending(a, b)
    return a > b
end


-- Several can claim a domain for a moment, while one takes it over from another: the youngest has it, which is last in
-- its list. A single one stands without a list, as nearly all do.
local function push(owners, name, id, is_older)
    local known = owners[name]
    if not known then
        owners[name] = id
        return
    end

    local list = type(known) == "table" and known or { known }
    list[#list + 1] = id
    sort(list, is_older)
    owners[name] = list
end


local function pull(owners, name, id)
    local known = owners[name]
    if known == id then
        owners[name] = nil
        return
    end

    if type(known) == "table" then
        lists.remove(known, id)
        owners[name] = known[2] and known or known[1]
    end
end


local function last(known)
    return type(known) == "table" and known[#known] or known
end


local function push_wildcard(wildcards, name, id, is_older)
    push(wildcards.names, name, id, is_older)

    local length = #name
    local count = wildcards.count[length] or 0
    wildcards.count[length] = count + 1
    if count == 0 then
        wildcards.lengths[#wildcards.lengths + 1] = length
        sort(wildcards.lengths, by_descending)
    end
end


local function pull_wildcard(wildcards, name, id)
    pull(wildcards.names, name, id)

    local length = #name
    wildcards.count[length] = wildcards.count[length] - 1
    if wildcards.count[length] == 0 then
        wildcards.count[length] = nil
        lists.remove(wildcards.lengths, length)
    end
end


-- Calls on_exact(owners, name, id, is_older) or on_wildcard(wildcards, name, id, is_older) for a domain.
local function with_domain(self, domain, on_exact, on_wildcard, id)
    domain = lower(domain)
    if domain == "*" then
        on_exact(self.any, "*", id, self.is_older)
    elseif sub(domain, 1, 1) == "*" then
        on_wildcard(self.suffix, sub(domain, 2), id, self.is_older)
    elseif sub(domain, -1) == "*" then
        on_wildcard(self.prefix, sub(domain, 1, -2), id, self.is_older)
    else
        on_exact(self.exact, domain, id, self.is_older)
    end
end


-- is_older(a, b) of two ids: a gives way to b.
function _M.new(is_older)
    local self = {
        is_older = is_older,
        exact = {},
        suffix = new_wildcards(),
        prefix = new_wildcards(),
        any = {},
    }
    return setmetatable(self, mt)
end


-- A domain has come.
function _M.put(self, domain, id)
    with_domain(self, domain, push, push_wildcard, id)
end


-- A domain is gone.
function _M.take(self, domain, id)
    with_domain(self, domain, pull, pull_wildcard, id)
end


local function find_suffix(wildcards, host)
    local names, size = wildcards.names, #host
    for _, length in ipairs(wildcards.lengths) do
        if length < size then
            local owners = names[sub(host, size - length + 1)]
            if owners then
                return last(owners)
            end
        end
    end
end


local function find_prefix(wildcards, host)
    local names, size = wildcards.names, #host
    for _, length in ipairs(wildcards.lengths) do
        if length < size then
            local owners = names[sub(host, 1, length)]
            if owners then
                return last(owners)
            end
        end
    end
end


-- The one that has the best match for a host in lower case, and whether only "*" matched; nil where none does.
function _M.find(self, host)
    local id = last(self.exact[host]) or find_suffix(self.suffix, host) or find_prefix(self.prefix, host)
    if id then
        return id, false
    end

    return last(self.any["*"]), true
end


return _M
