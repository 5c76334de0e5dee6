-- A filter that the translator could not make out. Whom it would keep out is not known: nobody gets through.
local core = require("apisix.core")

local _M = {}

local FORBIDDEN = 403


function _M.run(filter)
    core.log.warn("request refused: filter ", filter.name, " cannot be carried out: ", filter.reason)
    return FORBIDDEN, "RBAC: access denied"
end


-- The same for network filters: true where the connection may go on, else false and why.
function _M.admits(filter)
    return false, "it cannot be carried out: " .. (filter.reason or "")
end


return _M
