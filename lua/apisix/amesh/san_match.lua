-- Does a certificate carry one of the names that are asked for? A matcher is
-- { type = "uri"|"dns"|"email"|"ip"|"any", … } with what texts.lua has of a comparison.
local texts = require("apisix.amesh.texts")

local find = string.find
local ipairs = ipairs
local lower = string.lower
local sub = string.sub

local _M = {}


-- A name as certificates may have it, "*.example.com", covers one label.
local function dns_equal(pattern, name)
    pattern, name = lower(pattern), lower(name)
    if pattern == name then
        return true
    end

    if sub(pattern, 1, 2) ~= "*." then
        return false
    end
    local dot = find(name, ".", 1, true)
    return dot ~= nil and dot > 1 and sub(name, dot) == sub(pattern, 2)
end


local function holds(matcher, type, value)
    -- Envoy lets a wildcard of the certificate count where an exact DNS name is asked for
    if matcher.exact and type == "dns" then
        return dns_equal(value, matcher.exact)
    end
    return texts.holds(matcher, value)
end


-- names: what certificate.names returns. True when one of the matchers holds for one of the names.
function _M.any(matchers, names)
    for _, matcher in ipairs(matchers) do
        for _, name in ipairs(names) do
            if (matcher.type == name.type or matcher.type == "any" or not matcher.type)
                and holds(matcher, name.type, name.value)
            then
                return true
            end
        end
    end

    return false
end


-- The same for one host: a DNS name or an IP address (auto_san).
function _M.host(host, names)
    for _, name in ipairs(names) do
        if (name.type == "dns" and dns_equal(name.value, host)) or (name.type == "ip" and name.value == host) then
            return true
        end
    end

    return false
end


return _M
