-- What the captured port found out about a connection, for the server of this subsystem that it handed it to. nginx
-- keeps a connection's number through `pass`.
local draining = require("apisix.amesh.stream.draining")

local pairs = pairs
local tonumber = tonumber
local var = ngx.var

local _M = {}
local connections = {}


-- found: { chain, listener, about, fd }; about as filter_chains.lua wants it
function _M.over(found)
    connections[tonumber(var.connection)] = found
end


-- What was found about the current connection; nil when it did not come from the captured port.
function _M.found()
    return connections[tonumber(var.connection)]
end


-- The connection is over.
function _M.forget()
    local number = tonumber(var.connection)
    local found = connections[number]
    if found then
        connections[number] = nil
        draining.forget(found)
    end
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
