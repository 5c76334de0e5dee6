-- A filter that the translator could not make out. Whom it would keep out is not known: nobody gets through, or nobody
-- for whom `when`, a condition of metadata (access/metadata.lua), may hold.
local core = require("apisix.core")
local metadata = require("apisix.amesh.access.metadata")

local setmetatable = setmetatable

local _M = {}

local FORBIDDEN = 403

-- a filter -> its condition as a function, as long as the filter lives
local conditions = setmetatable({}, { __mode = "k" })


function _M.run(filter)
    core.log.warn("request refused: filter ", filter.name, " cannot be carried out: ", filter.reason)
    return FORBIDDEN, "RBAC: access denied"
end


-- The same for network filters: true where the connection may go on, else false and why.
function _M.admits(filter, view, ctx)
    if filter.when then
        local holds = conditions[filter]
        if not holds then
            holds = metadata.compile(filter.when)
            conditions[filter] = holds
        end
        if holds(view, ctx) == false then
            return true
        end
    end

    return false, "it cannot be carried out: " .. (filter.reason or "")
end


return _M
