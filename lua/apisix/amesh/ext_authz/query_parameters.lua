-- Query parameters that an authorization service sets or takes away.
local variables = require("apisix.amesh.variables")

local concat = table.concat
local gmatch = string.gmatch
local ipairs = ipairs
local match = string.match
local ngx_escape = ngx.escape_uri

local _M = {}


-- set: { { name, value }, ... }, which replace all of their name; remove: names. True where that changes the query.
function _M.change(ctx, set, remove)
    if not (set and #set > 0) and not (remove and #remove > 0) then
        return false
    end

    local gone = {}
    for _, parameter in ipairs(set or {}) do
        gone[parameter.name] = true
    end
    for _, name in ipairs(remove or {}) do
        gone[name] = true
    end

    local path, query = variables.path_of(ctx)
    local parts = {}
    for part in gmatch(query or "", "[^&]+") do
        if not gone[match(part, "^[^=]*")] then
            parts[#parts + 1] = part
        end
    end
    for _, parameter in ipairs(set or {}) do
        parts[#parts + 1] = ngx_escape(parameter.name) .. "=" .. ngx_escape(parameter.value)
    end

    variables.set_path(ctx, path, parts[1] and concat(parts, "&") or nil)
    return true
end


return _M
