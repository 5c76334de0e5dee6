-- TCP inside TLS that ends here: a gateway's, or mutual TLS within the mesh. The handshake's phases are those of
-- apisix.amesh.downstream_tls; when it is done the client is let in or not, and goes on as plain TCP would.
local core = require("apisix.core")
local downstream_tls = require("apisix.amesh.downstream_tls")
local handed = require("apisix.amesh.stream.handed")

local ngx = ngx
local require = require

local _M = {}

local CLOSED = 403


-- preread phase
function _M.preread()
    local found = handed.found()
    local choice = downstream_tls.current()
    if not found or not choice then
        return ngx.exit(CLOSED)
    end

    local ok, why = downstream_tls.admit(choice, found.chain)
    if not ok then
        core.log.warn("a TLS connection is closed: ", why)
        return ngx.exit(CLOSED)
    end

    return require("apisix").stream_preread_phase()
end


_M.start = downstream_tls.init_worker

return _M
