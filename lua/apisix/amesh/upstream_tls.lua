-- TLS towards endpoints: what a cluster's /tls_contexts object asks for, and the verification of what the endpoint
-- shows.
--
-- nginx itself verifies nothing here: `verify`, which runs when the endpoint has shown its certificate
-- (amesh-upstream-tls.conf), decides. Whatever goes wrong in it ends the handshake, before any byte of the request.
local core = require("apisix.core")
local alpn = require("apisix.amesh.alpn")
local authority = require("apisix.amesh.authority")
local certificate = require("apisix.amesh.certificate")
local local_reply = require("apisix.amesh.local_reply")
local openssl = require("apisix.amesh.openssl")
local peer_check = require("apisix.amesh.peer_check")
local secrets = require("apisix.amesh.secrets")
local tls_contexts = require("apisix.amesh.tls_contexts")
local upstream_contexts = require("apisix.amesh.upstream_contexts")

local C = openssl.C
local ngx = ngx
local find = string.find
local format = string.format
local match = string.match
local pcall = pcall
local require = require
local tostring = tostring

local has_upstream, apisix_upstream = pcall(require, "resty.apisix.upstream")
local ssl = require("ngx.ssl")
local has_verify, proxy_verify = pcall(require, "ngx.ssl.proxysslverify")

local _M = {}

local SSL_VERIFY_PEER = 1
local REJECTED_CERTIFICATE = 28      -- X509_V_ERR_CERT_REJECTED
local TLS_SCHEMES = { https = true, grpcs = true, tls = true }
local VERSIONS = { ["TLSv1"] = 0x301, ["TLSv1.0"] = 0x301, ["TLSv1.1"] = 0x302, ["TLSv1.2"] = 0x303,
                   ["TLSv1.3"] = 0x304 }
local FAILED = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, "
               .. "transport failure reason: "

local function is_address(host)
    return find(host, ":", 1, true) ~= nil or find(host, "^%d+%.%d+%.%d+%.%d+$") ~= nil
end


-- The name that the client asked for; a TCP connection names none.
local function requested_host(ctx)
    if ngx.config.subsystem ~= "http" then
        return ""
    end
    return authority.without_port(ctx.var.upstream_host or authority.of(ctx) or "")
end


-- What a request, or a connection in stream, needs for its handshakes; nil and why it cannot be had.
local function state_for(ctx, upstream, id)
    local context, version = tls_contexts.get(id)
    if not context then
        return nil, "TLS context \"" .. id .. "\" has not come"
    end

    local state = { context = context, cluster = upstream.name or upstream.id, sni = context.sni or "" }
    if context.auto_sni or context.auto_san then
        local host = requested_host(ctx)
        state.host = host
        if context.auto_sni and host ~= "" and not is_address(host) then
            state.sni = host
        end
    end

    local err
    if context.certificate then
        state.identity, err = secrets.identity(context.certificate)
        if not state.identity then
            return nil, err
        end
    end
    if context.validation then
        state.authority, err = secrets.authority(context.validation)
    elseif context.system_ca then
        state.authority, err = secrets.system_authority()
    elseif context.verify ~= false then
        err = "TLS context \"" .. id .. "\" names no authority"
    end
    if err then
        return nil, err
    end

    -- a connection is used again by requests that would have made the same one, and no others
    state.pool = format("#tls#%s#%s#%s#%s#%s#%s", id, version, state.identity and state.identity.version or "",
                        state.authority and state.authority.version or "", state.sni,
                        context.auto_san and state.host or "")
    return state
end


_M.state_for = state_for


-- The same for what Amesh itself asks of an endpoint of this cluster, by this host; nil where the cluster speaks no
-- TLS, nil and why where it does and it cannot be had.
function _M.state_for_host(host, upstream)
    local id = upstream.labels and upstream.labels.amesh_tls
    if not id then
        return nil, TLS_SCHEMES[upstream.scheme] and "it names no TLS context" or nil
    end
    return state_for({ var = { upstream_host = host } }, upstream, id)
end


local function refuse(ctx, cluster, why)
    core.log.error("no TLS to cluster ", cluster, ": ", why, "; the request gets 503")
    return local_reply.send(ctx, 503, FAILED .. why)
end


-- Access phase, before the request goes to its named location. Answers 503 when the cluster wants TLS that cannot be
-- had.
function _M.prepare(ctx, upstream)
    local labels = upstream.labels
    local id = labels and labels.amesh_tls
    if not id then
        ctx.amesh.tls = nil
        if TLS_SCHEMES[upstream.scheme] then
            return refuse(ctx, upstream.name or upstream.id, "it names no TLS context")
        end
        return
    end

    local state, why = state_for(ctx, upstream, id)
    if not state then
        return refuse(ctx, upstream.name or upstream.id, why)
    end
    if state.identity and not has_upstream then
        return refuse(ctx, state.cluster, "this nginx cannot show a client certificate (APISIX's own runtime can)")
    end

    ctx.amesh.tls = state
    if state.sni ~= "" then
        ngx.var.amesh_sni = state.sni
    end
end


-- Access phase of the named location: is it one whose connections are verified?
function _M.check_location(ctx)
    local state = ctx.amesh.tls
    if not state then
        return
    end

    state.kind = ctx.amesh.http2 and "http2" or "http1"
    -- Istio's servers take what stands in the cluster for TCP; for HTTP its filter replaces it
    local protocols = state.context.alpn_http or state.context.alpn
    state.alpn = protocols and alpn.wire(protocols)
                 or (ctx.amesh.http2 and upstream_contexts.H2 or "")
    if ngx.var.amesh_verifies ~= "on" or not has_verify
        or (ctx.amesh.http2 and not upstream_contexts.can_verify_http2())
    then
        return refuse(ctx, state.cluster, "this nginx is not set up to verify certificates of endpoints "
                                          .. "(amesh-upstream-tls.conf, which needs OpenResty 1.29)")
    end
end


-- Balancer phase, before the endpoint of a try is chosen: what the handshake shows and how it is verified. Returns what
-- tells the connection's pool from others; nil and why when there can be no connection.
function _M.before_try(ctx)
    local state = ctx.amesh.tls
    if not state then
        return ""
    end

    if state.identity then
        local ok, err = apisix_upstream.set_cert_and_key(state.identity.chain, state.identity.key)
        if not ok then
            return nil, "no TLS to cluster " .. state.cluster .. ": " .. err
        end
    end
    if not upstream_contexts.before_try(state) then
        return nil, "no TLS to cluster " .. state.cluster .. ": its connection cannot be verified"
    end
    return state.pool .. "#" .. state.kind
end


-- After a try that failed: was it to be made again for nothing?
function _M.is_to_be_made_again(ctx)
    local state = ctx.amesh.tls
    if not state or not state.again then
        return false
    end

    state.again = false
    return true
end


-- Tries that handshakes may need beside those that the route grants.
function _M.spare_tries(ctx)
    return upstream_contexts.spare_tries(ctx.amesh.tls)
end


local function check_version(connection, context)
    local version = C.amesh_SSL_version(connection)
    local min, max = VERSIONS[context.min_version or ""], VERSIONS[context.max_version or ""]
    if (min and version < min) or (max and version > max) then
        return false, format("it speaks TLS version 0x%x, which the cluster does not allow", version)
    end
    return true
end


-- Holds what the endpoint showed? nil and why not, with a description of its certificate for the log.
local function check(connection, state)
    local chain = C.amesh_SSL_get_peer_cert_chain(connection)
    if openssl.stack_size(chain) == 0 then
        return nil, "it showed no certificate"
    end

    local leaf = C.amesh_sk_value(chain, 0)
    local context = state.context
    local good, why = check_version(connection, context)
    if good then
        good, why = peer_check.holds(leaf, chain, state.authority, peer_check.SERVER,
                                     { sans = context.sans, host = context.auto_san and state.host or nil })
    end
    if not good then
        return nil, why, certificate.describe(leaf)
    end
    return true
end
_M.check = check


local function current_state()
    local api_ctx = ngx.ctx.api_ctx
    return api_ctx and api_ctx.amesh and api_ctx.amesh.tls
end


-- proxy_ssl_verify_by_lua: the endpoint has shown its certificate.
function _M.verify()
    -- without this OpenSSL would go on whatever is said here
    local connection = ssl.get_upstream_ssl_pointer()
    if connection then
        C.amesh_SSL_set_verify(connection, SSL_VERIFY_PEER, nil)
    end

    local ok, state = pcall(current_state)
    local good, why, shown
    if ok and state and upstream_contexts.is_to_be_made_again(connection, state) then
        proxy_verify.set_verify_result(REJECTED_CERTIFICATE)
        return ngx.exit(ngx.ERROR)
    end
    if not ok or not state then
        why = "the request is not known"
    else
        ok, good, why, shown = pcall(check, connection, state)
        if not ok then
            good, why = nil, good
        end
    end

    if good then
        upstream_contexts.accept(state)
        return proxy_verify.set_verify_result(0)
    end

    core.log.error("the certificate of endpoint ", match(ngx.var.upstream_addr or "", "%S+$"), " of cluster ",
                   ok and state and state.cluster or "", " does not hold: ", tostring(why), shown and " (" or "",
                   shown or "", shown and ")" or "", "; it gets no request")
    proxy_verify.set_verify_result(REJECTED_CERTIFICATE)
    return ngx.exit(ngx.ERROR)
end


function _M.init_worker()
    secrets.init_worker()
    tls_contexts.init_worker()
end


return _M
