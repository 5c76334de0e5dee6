-- Comparisons with dynamic metadata, which other filters leave: a table of Lua values as JSON gives them, by namespace.
-- A comparison is { filter = namespace, path = { key, ... }, value = VALUE, invert = true|nil }, VALUE one of
-- { null = true }, { text = see texts.lua }, { exact = number }, { from = number, to = number }, { bool = true|false },
-- { present = true|false }, { one_of = VALUE } (an element of a list), { any = { VALUE, ... } }.
local logic = require("apisix.amesh.access.logic")
local texts = require("apisix.amesh.texts")

local error = error
local null = ngx.null
local type = type

local _M = {}
local compile_value


local function never()
    return false
end


local function text_value(match)
    local compare = texts.compile(match)
    return function(value)
        if type(value) ~= "string" then
            return false
        end
        return compare(value)
    end
end


local function element(wanted)
    local compare = compile_value(wanted)
    return function(value)
        if type(value) ~= "table" then
            return false
        end
        return logic.holds_for_any(compare, value)
    end
end


function compile_value(wanted)
    if wanted.text then
        return text_value(wanted.text)
    elseif wanted.null then
        return function(value)
            return value == null
        end
    elseif wanted.bool ~= nil then
        local bool = wanted.bool
        return function(value)
            return value == bool
        end
    elseif wanted.present ~= nil then
        -- Envoy's present_match: false holds for nothing
        return wanted.present and function(value)
            return value ~= nil
        end or never
    elseif wanted.from then
        local from, to = wanted.from, wanted.to
        return function(value)
            return type(value) == "number" and from <= value and value < to
        end
    elseif wanted.exact then
        local exact = wanted.exact
        return function(value)
            return type(value) == "number" and value == exact
        end
    elseif wanted.one_of then
        return element(wanted.one_of)
    elseif wanted.any then
        return logic.any_of(wanted.any, compile_value)
    end

    error("a comparison with metadata that says none")
end


local function at(value, path)
    for index = 1, #path do
        if type(value) ~= "table" then
            return nil
        end
        value = value[path[index]]
    end
    return value
end


-- A function of view and request, see matchers.lua.
function _M.compile(match)
    local filter, path = match.filter, match.path
    local compare = compile_value(match.value)
    if match.invert then
        compare = logic.not_of(compare)
    end

    return function(view, ctx)
        return compare(at(view.metadata(ctx, filter), path))
    end
end


return _M
