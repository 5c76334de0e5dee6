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


return _M
