-- A double of apisix.core.config_util.
local _M = {}

function _M.iterate_values(values)
    local index = 0
    return function()
        repeat
            index = index + 1
        until values[index] ~= false
        return values[index] and index, values[index]
    end
end

return _M
