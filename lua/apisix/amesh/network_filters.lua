-- The network filters of a chain that let connections through or refuse them, in Envoy's order. One of the chain's
-- `network_filters` is { name, type = "rbac"|..., ... }; apisix/amesh/filters/TYPE.lua carries it out:
--
--   admits(filter, view, ctx) -> true | false, why      (view: see access/matchers.lua)
--
-- One that cannot be carried out refuses the connection.
local log = require("apisix.core.log")

local pcall = pcall
local require = require

local _M = {}

local MODULES = "apisix.amesh.filters."


local function ask(filter, view, ctx)
    return require(MODULES .. filter.type).admits(filter, view, ctx)
end


-- Whether the connection may go on. view, ctx: what is known of it. Without network filters do not ask.
function _M.admits(chain, view, ctx)
    local filters = chain.network_filters
    for position = 1, #filters do
        local filter = filters[position]
        local done, admitted, why = pcall(ask, filter, view, ctx)
        if not done then
            log.error("filter ", filter.name, " closes a connection, it failed: ", admitted)
            return false
        end
        if not admitted then
            log.info("connection of ", view.direct_ip(ctx), " to ", view.destination_ip(ctx), ":",
                     view.destination_port(ctx), " denied, it is closed: ", why)
            return false
        end
    end

    return true
end


return _M
