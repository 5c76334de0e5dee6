-- Comparisons with a text, as functions: { exact|prefix|suffix|contains|regex = text, ignore_case = true|nil }. Each
-- returns true or false; nil where it could not be told (an expression gave up).
local log = require("apisix.core.log")

local re_find = ngx.re.find
local error = error
local find = string.find
local lower = string.lower
local setmetatable = setmetatable
local sub = string.sub

local _M = {}

-- a comparison of an object -> its function, for as long as the object is there
local compiled = setmetatable({}, { __mode = "k" })


local function exact(wanted)
    return function(text)
        return text == wanted
    end
end


local function prefix(wanted)
    local length = #wanted
    return function(text)
        return sub(text, 1, length) == wanted
    end
end


local function suffix(wanted)
    local length = #wanted
    if length == 0 then
        return function()
            return true
        end
    end
    return function(text)
        return sub(text, -length) == wanted
    end
end


local function contains(wanted)
    return function(text)
        return find(text, wanted, 1, true) ~= nil
    end
end


-- The library writes expressions for a whole text, with "^" and "\z".
local function regex(pattern)
    return function(text)
        local from, _, err = re_find(text, pattern, "jo")
        if err then
            log.error("expression ", pattern, " cannot be decided: ", err)
            return nil
        end
        return from ~= nil
    end
end


local KINDS = { exact = exact, prefix = prefix, suffix = suffix, contains = contains }
local ORDER = { "exact", "prefix", "suffix", "contains" }


-- nil where the comparison says none.
local function build(match)
    if match.regex then
        return regex(match.regex)
    end

    for index = 1, #ORDER do
        local kind = ORDER[index]
        local wanted = match[kind]
        if wanted and match.ignore_case then
            local compare = KINDS[kind](lower(wanted))
            return function(text)
                return compare(lower(text))
            end
        elseif wanted then
            return KINDS[kind](wanted)
        end
    end
end


local function never()
    return false
end


function _M.compile(match)
    return build(match) or error("a comparison with a text that says none")
end


-- Whether a text compares so, with none never. For comparisons that stand in an object, where nothing else keeps their
-- functions.
function _M.holds(match, text)
    local compare = compiled[match]
    if not compare then
        compare = build(match) or never
        compiled[match] = compare
    end
    return compare(text) or false
end


return _M
