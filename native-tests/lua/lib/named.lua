-- A virtual host whose only route answers with its own name.
local mesh = require("mesh")

return function(id, domains)
    return mesh.virtual_host(id, "80", domains,
                             { { id = "r-" .. id, plugin = { direct_response = { status = 200, body = id } } } })
end
