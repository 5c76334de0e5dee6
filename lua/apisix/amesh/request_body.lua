-- Taking in a request's body before the request goes on. ngx_lua before 0.10.27 refuses that, with an error, to
-- requests of HTTP/2 that do not say how long their body is: nginx takes it in itself then, or sends it on while it
-- comes.
local read_body = ngx.req.read_body
local pcall = pcall

local _M = {}


-- Access phase; waits. False when it cannot be done here.
function _M.read()
    return (pcall(read_body))
end


return _M
