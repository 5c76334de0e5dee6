-- Conditions made of conditions. Each is a function, of whatever it is about, and returns true, false or nil: nobody
-- can tell. What is made of such a one is nil as far as the rest does not decide it.
local _M = {}


local function compile_all(list, compile, in_order)
    local compiled = {}
    for index = 1, #list do
        compiled[index] = compile(list[index], in_order)
    end
    return compiled, #list
end


-- compile(object, in_order) makes the functions; in_order: see all_of.
function _M.any_of(list, compile, in_order)
    local compiled, count = compile_all(list, compile, in_order)
    if count == 1 then
        return compiled[1]
    end

    return function(subject, ctx)
        local result = false
        for index = 1, count do
            local one = compiled[index](subject, ctx)
            if one then
                return true
            elseif one == nil then
                result = nil
            end
        end
        return result
    end
end


-- in_order: what cannot be told ends it, as in Envoy's matcher trees.
function _M.all_of(list, compile, in_order)
    local compiled, count = compile_all(list, compile, in_order)
    if count == 1 then
        return compiled[1]
    end

    return function(subject, ctx)
        local result = true
        for index = 1, count do
            local one = compiled[index](subject, ctx)
            if one == false or (one == nil and in_order) then
                return one
            elseif one == nil then
                result = nil
            end
        end
        return result
    end
end


function _M.not_of(compiled)
    return function(subject, ctx)
        local result = compiled(subject, ctx)
        if result == nil then
            return nil
        end
        return not result
    end
end


-- Whether one of a list's values is what `compiled` asks for.
function _M.holds_for_any(compiled, values)
    local result = false
    for index = 1, #values do
        local one = compiled(values[index])
        if one then
            return true
        elseif one == nil then
            result = nil
        end
    end
    return result
end


return _M
