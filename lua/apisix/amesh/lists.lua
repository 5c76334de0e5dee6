-- Lists of values.
local ipairs = ipairs
local remove = table.remove

local _M = {}


-- Takes the first that is this value out of a list.
function _M.remove(list, value)
    for position, one in ipairs(list) do
        if one == value then
            remove(list, position)
            return
        end
    end
end


-- A comparison of ids by the commit that what stands for them came with, placed[id].since: the youngest is last.
function _M.by_age(placed)
    return function(a, b)
        local since_a, since_b = placed[a].since, placed[b].since
        if since_a == since_b then
            return a < b
        end
        return since_a < since_b
    end
end


return _M
