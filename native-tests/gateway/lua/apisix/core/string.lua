-- A double of apisix.core.string.
local _M = setmetatable({}, { __index = string })

function _M.has_prefix(s, prefix)
    return s:sub(1, #prefix) == prefix
end

return _M
