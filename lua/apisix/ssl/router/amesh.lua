-- Certificates for clients, `apisix.router.ssl: amesh`: connections that a listener of the mesh is for get what their
-- filter chain says; all others go to APISIX's own router, by server name.
--
-- APISIX breaks off where a client names no server, before any router is asked. Clients within a mesh often name none,
-- so such a name is empty here, and only APISIX's own router refuses it.
local core = require("apisix.core")
local apisix_ssl = require("apisix.ssl")
local downstream_tls = require("apisix.amesh.downstream_tls")
local stock = require("apisix.ssl.router.radixtree_sni")

local get_phase = ngx.get_phase
local setmetatable = setmetatable

local NO_NAME = "the client names no server, and no listener of the mesh is for the connection"

local _M = setmetatable({ version = 0.1 }, { __index = stock })


local function accept_no_server_name()
    local server_name = apisix_ssl.server_name
    apisix_ssl.server_name = function(from_hello)
        local name, err = server_name(from_hello)
        if not name and not err and from_hello then
            return ""
        end
        return name, err
    end
end


function _M.init_worker()
    stock.init_worker()
    downstream_tls.init_worker()
    accept_no_server_name()
end


local function match_by_name(api_ctx, match_only, name)
    if name == "" then
        return false, NO_NAME
    end
    return stock.match_and_set(api_ctx, match_only, name)
end


function _M.match_and_set(api_ctx, match_only, name)
    if get_phase() ~= "ssl_client_hello" then
        -- a request on a connection of the mesh: what there is to verify was verified in the handshake
        if downstream_tls.current() then
            return false
        end
        return match_by_name(api_ctx, match_only, name)
    end

    local choice, why = downstream_tls.hello()
    if choice then
        api_ctx.matched_ssl = {
            amesh = choice,
            value = { type = "server", ssl_protocols = choice.protocols },
        }
        return true
    end
    if choice == false then
        return false, why
    end

    return match_by_name(api_ctx, match_only, name)
end


function _M.set(matched_ssl, name)
    if not matched_ssl or not matched_ssl.amesh then
        return stock.set(matched_ssl, name)
    end

    local ok, err = downstream_tls.certify(matched_ssl.amesh)
    if not ok then
        return false, err
    end

    core.log.debug("shows the certificate of chain ", matched_ssl.amesh.chain.name)
    return true
end


return _M
