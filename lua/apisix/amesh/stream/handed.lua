-- What the captured port found out about a connection, for the server of this subsystem that it handed it to. nginx
-- keeps a connection's number through `pass`.
local pairs = pairs
local tonumber = tonumber
local var = ngx.var

local _M = {}
local connections = {}


-- found: { chain, listener, destination = { ip, port, captured }, sni }
function _M.over(found)
    connections[tonumber(var.connection)] = found
end


-- What was found about the current connection; nil when it did not come from the captured port.
function _M.found()
    return connections[tonumber(var.connection)]
end


-- The connection is over.
function _M.forget()
    connections[tonumber(var.connection)] = nil
end


-- For tests.
function _M.count()
    local count = 0
    for _ in pairs(connections) do
        count = count + 1
    end
    return count
end


return _M
