-- A double of apisix.core.utils.
local _M = {}

function _M.parse_addr(addr)
    local host, port = addr:match("^(%[.*%]):(%d+)$")
    if not host then
        host, port = addr:match("^([^:]+):(%d+)$")
    end
    return host or addr, tonumber(port)
end

return _M
