-- How the mesh wants TLS to be spoken to a cluster (/tls_contexts), as APISIX's other kinds of objects are held.
local core = require("apisix.core")

local error = error
local type = type

local _M = {}
local kind


function _M.init_worker()
    if kind then
        return
    end

    local err
    kind, err = core.config.new("/tls_contexts", { automatic = true })
    if not kind then
        error("failed to follow /tls_contexts: " .. err)
    end
end


-- The object and the commit that it came with; nil when there is none.
function _M.get(id)
    local item = kind and kind:get(id)
    if not item or type(item.value) ~= "table" then
        return nil
    end
    return item.value, item.modifiedIndex
end


return _M
