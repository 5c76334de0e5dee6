-- Which of the mesh's listeners a request is for: its destination decides.
local destination = require("apisix.amesh.destination")
local listener_index = require("apisix.amesh.listener_index")

local _M = {
    init_worker = listener_index.init_worker,
}


function _M.of(ctx)
    local known = ctx.amesh_listener
    if known == nil then
        local target = destination.of(ctx)
        known = listener_index.find(target.ip, target.port) or false
        ctx.amesh_listener = known
    end

    return known or nil
end


return _M
