-- TLS of clients: which filter chain of the mesh takes a connection, which certificate it is shown, and whether the
-- client's own holds. Loaded in HTTP and in stream alike.
--
-- The client's first message decides the chain (`hello`); then the certificate is set (`certify`). OpenSSL verifies the
-- client's certificate against the chain's authority within the handshake; the names in it are looked at when the first
-- bytes arrive (`admit`), since OpenSSL knows no such matchers. What does not hold gets nothing.
local ffi = require("ffi")
local core = require("apisix.core")
local ngx_ssl = require("ngx.ssl")
local alpn = require("apisix.amesh.alpn")
local certificate = require("apisix.amesh.certificate")
local connection = require("apisix.amesh.connection")
local destination = require("apisix.amesh.destination")
local ending = require("apisix.amesh.ending")
local filter_chains = require("apisix.amesh.filter_chains")
local gateway_certificates = require("apisix.amesh.gateway_certificates")
local openssl = require("apisix.amesh.openssl")
local peer_check = require("apisix.amesh.peer_check")
local secrets = require("apisix.amesh.secrets")

-- older runtimes have none, and then nobody asks for it
local _, clienthello = pcall(require, "ngx.ssl.clienthello")

local C = openssl.C
local concat = table.concat
local lower = string.lower
local ngx = ngx

local _M = {}

local ALPN_EXTENSION = 16
local SSL_CTRL_SET_VERIFY_CERT_STORE = 106
local VERIFY_PEER, FAIL_IF_NO_PEER_CERT = 1, 2
local VERIFY_DEPTH = 100
local X509_V_OK = 0
local VERSIONS = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" }
local ORDER = { ["TLSv1"] = 1, ["TLSv1.0"] = 1, ["TLSv1.1"] = 2, ["TLSv1.2"] = 3, ["TLSv1.3"] = 4 }
-- what Envoy's servers speak where they are not told
local LOWEST, HIGHEST = 3, 4


-- { sni, alpn = {...} } of the client's first message.
local function read_hello()
    local sni = clienthello.get_client_hello_server_name()
    local extension = clienthello.get_client_hello_ext(ALPN_EXTENSION)
    return { sni = sni and lower(sni), alpn = alpn.parse(extension) }
end


-- What the chain is chosen by, see filter_chains.lua.
local function about_connection(hello)
    -- a connection to the proxy's own name is for the port of https
    local target = destination.of({ amesh_authority = (hello.sni or "") .. ":443" })
    local source_ip, source_port = connection.client()
    return {
        local_port = target.arrived_at,
        destination_ip = target.ip,
        destination_port = target.port,
        captured = target.captured,
        by_name = not target.captured,
        source_ip = source_ip,
        source_port = source_port,
        transport = "tls",
        sni = hello.sni,
        alpn = hello.alpn,
    }
end


local function protocols(tls)
    local from = ORDER[tls.min_version or ""] or LOWEST
    local to = ORDER[tls.max_version or ""] or HIGHEST
    local list = {}
    for version = from, to do
        list[#list + 1] = VERSIONS[version]
    end
    return list
end


-- Fills in what the handshake needs; nil and why it cannot be had.
local function equip(choice)
    local tls = choice.tls
    local err
    if tls.ssl then
        choice.identity, err = gateway_certificates.identity(tls.ssl)
    elseif tls.certificate then
        choice.identity, err = secrets.identity(tls.certificate)
    else
        err = "the chain names no certificate"
    end
    if not choice.identity then
        return nil, err
    end

    if tls.validation then
        choice.authority, err = secrets.authority(tls.validation)
        if not choice.authority then
            return nil, err
        end
    elseif choice.identity.client_authority then
        choice.authority = choice.identity.client_authority
        choice.required = true
    end

    if tls.require_client_certificate then
        choice.required = true
        if not choice.authority then
            return nil, "client certificates are required, but there is no authority to verify them by"
        end
    end
    return choice
end


-- A session is resumed by connections of the same chain, certificate and authority, and by no others: a resumed one
-- shows no client certificate again.
local function separate_sessions(ssl, choice)
    local id = ngx.md5_bin(concat({ choice.listener.id or choice.listener.name or "", choice.chain.name or "",
                                    choice.tls.certificate or choice.tls.ssl or "", choice.identity.version,
                                    choice.authority and choice.authority.version or "" }, "\0"))
    C.amesh_SSL_set_session_id_context(ssl, id, #id)
end


local function choose(hello)
    return filter_chains.match(about_connection(hello))
end


-- Client hello. Returns what was chosen, { chain, listener, tls, hello, identity, authority, protocols }; nil when the
-- mesh has no say in the connection; false and why when it is to be closed.
function _M.hello()
    local ssl = ngx_ssl.get_req_ssl_pointer()
    local fd = ssl and C.amesh_SSL_get_fd(ssl)
    if not fd or fd < 0 then
        return nil
    end

    ending.catch_up()
    local hello = read_hello()
    ngx.ctx.amesh_client_hello = hello
    local chain, listener = connection.of(fd, choose, hello)
    if not chain and not listener then
        return nil
    end
    if not chain or not chain.tls then
        return false, "no filter chain of the mesh ends TLS for it (server name \"" .. (hello.sni or "") .. "\")"
    end

    local choice = { chain = chain, listener = listener, tls = chain.tls, hello = hello }
    local ready, err = equip(choice)
    if not ready then
        return false, "chain \"" .. (chain.name or "") .. "\" of listener \"" .. (listener.name or "") .. "\": " .. err
    end

    choice.protocols = protocols(chain.tls)
    alpn.restrict(ssl, chain.tls.alpn, hello.alpn)
    separate_sessions(ssl, choice)
    ngx.ctx.amesh_tls = choice
    return choice
end


local function ask_for_certificate(ssl, choice)
    local authority = choice.authority
    -- nginx's own callback lets every certificate pass, to look at the result later; this puts one in its place that
    -- ends the handshake
    local ok, err = ngx_ssl.verify_client(nil, VERIFY_DEPTH, nil, true)
    if not ok then
        return nil, err
    end

    C.amesh_SSL_set_verify(ssl, choice.required and VERIFY_PEER + FAIL_IF_NO_PEER_CERT or VERIFY_PEER, nil)
    if C.amesh_SSL_ctrl(ssl, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, authority.store) ~= 1 then
        return nil, openssl.reason()
    end

    local names = C.amesh_sk_deep_copy(authority.subjects, ffi.cast("void *", C.amesh_X509_NAME_dup),
                                       ffi.cast("void *", C.amesh_X509_NAME_free))
    C.amesh_SSL_set_client_CA_list(ssl, names)
    return true
end


-- Certificate phase: shows the chain's certificate, asks for the client's.
function _M.certify(choice)
    ngx_ssl.clear_certs()
    local ok, err = ngx_ssl.set_cert(choice.identity.chain)
    if ok then
        ok, err = ngx_ssl.set_priv_key(choice.identity.key)
    end
    if ok and choice.authority then
        ok, err = ask_for_certificate(ngx_ssl.get_req_ssl_pointer(), choice)
    end
    return ok, err
end


-- What the client showed on the connection: { certificate = X509 *, names, uris, ssl }; false when it showed nothing.
-- Kept with the connection, so that only its first request pays.
function _M.peer(choice)
    local known = choice.peer
    if known ~= nil then
        return known
    end

    local ssl = ngx_ssl.get_req_ssl_pointer()
    local leaf = ssl and openssl.peer_certificate(ssl)
    known = false
    if leaf then
        local names = certificate.names(leaf)
        known = {
            certificate = leaf,
            names = names,
            uris = certificate.values(names, "uri"),
            ssl = ssl,
            -- on runtimes whose handshakes cannot be ended by a bad certificate
            verified = C.amesh_SSL_get_verify_result(ssl),
        }
    end
    choice.peer = known
    return known
end


-- Is the client one that the chain lets in? True, or false and why it is to be closed. chain: the one that takes the
-- connection now, which may have changed since the handshake.
function _M.admit(choice, chain)
    if choice.admitted_by == chain then
        return true
    end

    local tls = chain.tls or choice.tls
    local peer = choice.authority and _M.peer(choice) or nil
    if (choice.required or tls.require_client_certificate) and not peer then
        return false, "the client showed no certificate"
    end
    if peer and peer.verified ~= X509_V_OK then
        return false, "the client's certificate does not hold: " .. openssl.verify_error(peer.verified)
    end
    if peer then
        local chain_of_peer = C.amesh_SSL_get_peer_cert_chain(peer.ssl)
        local good, why = peer_check.in_domain(peer.certificate, chain_of_peer, choice.authority, peer_check.CLIENT,
                                               peer.names)
        if not good then
            return false, "the client's certificate does not hold: " .. why
        end
    end
    if peer and not peer_check.named(peer.names, tls.sans, choice.authority) then
        return false, "the client's certificate has none of the names that are asked for ("
                      .. certificate.describe(peer.certificate) .. ")"
    end

    choice.admitted_by = chain
    return true
end


-- The connection's choice, in a request or a stream session; nil when the mesh did not end its TLS.
function _M.current()
    return ngx.ctx.amesh_tls
end


-- ssl_client_hello_by_lua and ssl_certificate_by_lua of a server that is the mesh's alone (stream).
function _M.client_hello_phase()
    local choice, why = _M.hello()
    local ok, err = choice, why
    if choice then
        ok, err = clienthello.set_protocols(choice.protocols)
    end
    if not ok then
        core.log.error("a TLS connection is closed: ", err or "the mesh has no listener for it")
        return ngx.exit(ngx.ERROR)
    end
end


function _M.certificate_phase()
    local choice = _M.current()
    local ok, err
    if choice then
        ok, err = _M.certify(choice)
    end
    if not ok then
        core.log.error("a TLS connection is closed: ", err or "nothing is known of it")
        return ngx.exit(ngx.ERROR)
    end
end


function _M.init_worker()
    secrets.init_worker()
    filter_chains.init_worker()
end


return _M
