-- TLS towards the endpoints of a TCP cluster: as on the HTTP side, what its /tls_contexts object asks for. What the
-- endpoint shows is verified by upstream_tls.verify (amesh-upstream-tls.conf).
local alpn = require("apisix.amesh.alpn")
local upstream_contexts = require("apisix.amesh.upstream_contexts")
local upstream_tls = require("apisix.amesh.upstream_tls")

local ngx_var = ngx.var
local pcall = pcall
local require = require

local has_tls, stream_upstream = pcall(require, "resty.apisix.stream.upstream")
local has_verify = pcall(require, "ngx.ssl.proxysslverify")

local _M = {}


-- Preread phase. True, or nil and why the connection cannot be had.
function _M.prepare(ctx, upstream)
    local id = upstream.labels and upstream.labels.amesh_tls
    if not id then
        return true
    end

    local state, why = upstream_tls.state_for(ctx, upstream, id)
    if not state then
        return nil, why
    end
    if not has_tls then
        return nil, "this nginx speaks no TLS to TCP endpoints (APISIX's own runtime does)"
    end
    if ngx_var.amesh_verifies ~= "on" or not has_verify then
        return nil, "this nginx is not set up to verify certificates of endpoints (amesh-upstream-tls.conf, which "
                    .. "needs OpenResty 1.29)"
    end

    local ok, err = stream_upstream.set_tls()
    if ok and state.identity then
        ok, err = stream_upstream.set_cert_and_key(state.identity.chain, state.identity.key)
    end
    if not ok then
        return nil, err
    end

    -- each server has an SSL_CTX of its own
    state.kind = "tcp at port " .. ngx_var.server_port
    state.alpn = state.context.alpn and alpn.wire(state.context.alpn) or ""
    ctx.amesh.tls = state
    ngx_var.amesh_sni = state.sni
    return true
end


-- Balancer phase, before each try.
function _M.before_try(ctx)
    local state = ctx.amesh.tls
    if state then
        upstream_contexts.before_try(state)
    end
end


_M.is_to_be_made_again = upstream_tls.is_to_be_made_again
_M.spare_tries = upstream_tls.spare_tries
_M.start = upstream_tls.init_worker

return _M
