-- A double of apisix.core.table.
local _M = { insert = table.insert, remove = table.remove, sort = table.sort, concat = table.concat }

function _M.try_read_attr(tab, ...)
    for i = 1, select("#", ...) do
        if type(tab) ~= "table" then
            return nil
        end
        tab = tab[select(i, ...)]
    end
    return tab
end

function _M.clear(tab)
    for key in pairs(tab) do
        tab[key] = nil
    end
end

return _M
