-- A double of lua-tablepool that pools nothing.
local _M = {}

function _M.fetch()
    return {}
end

function _M.release() end

return _M
