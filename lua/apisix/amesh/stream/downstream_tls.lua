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


-- APISIX asks its own router, which knows other certificates, whether a client had to show one; of the mesh's
-- connections everything is known by now.
local function keep_from_stock_router()
    local router = require("apisix.ssl.router.radixtree_sni")
    if router.amesh_match then
        return
    end

    local match = router.match_and_set
    router.amesh_match = match
    router.match_and_set = function(ctx, match_only, name)
        if downstream_tls.current() then
            return false
        end
        return match(ctx, match_only, name)
    end
end


function _M.start()
    downstream_tls.init_worker()
    keep_from_stock_router()
end


return _M
