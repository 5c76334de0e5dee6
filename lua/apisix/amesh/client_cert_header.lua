-- x-forwarded-client-cert, as Envoy reads and writes it: forward_client_cert_details and
-- set_current_client_cert_details of the HTTP connection manager.
local certificate = require("apisix.amesh.certificate")
local openssl = require("apisix.amesh.openssl")

local C = openssl.C
local concat = table.concat
local ipairs = ipairs

local _M = {}

-- the order in which Envoy writes what is asked for
local DETAILS = { "cert", "chain", "subject", "uri", "dns" }


local function chain_pem(peer)
    local parts = { certificate.pem(peer.certificate) }
    -- a server's view of the chain leaves the certificate itself out; a resumed session has none
    local chain = peer.ssl and C.amesh_SSL_get_peer_cert_chain(peer.ssl)
    for index = 0, openssl.stack_size(chain) - 1 do
        parts[#parts + 1] = certificate.pem(C.amesh_sk_value(chain, index))
    end
    return concat(parts)
end


local function add_all(parts, key, values)
    for _, value in ipairs(values) do
        parts[#parts + 1] = key .. "=" .. value
    end
end


local add = {
    cert = function(parts, peer)
        parts[#parts + 1] = 'Cert="' .. certificate.url_encoded(certificate.pem(peer.certificate)) .. '"'
    end,
    chain = function(parts, peer)
        parts[#parts + 1] = 'Chain="' .. certificate.url_encoded(chain_pem(peer)) .. '"'
    end,
    subject = function(parts, peer)
        parts[#parts + 1] = 'Subject="' .. certificate.subject(peer.certificate) .. '"'
    end,
    uri = function(parts, peer)
        add_all(parts, "URI", #peer.uris > 0 and peer.uris or { "" })
    end,
    dns = function(parts, peer)
        add_all(parts, "DNS", certificate.values(peer.names, "dns"))
    end,
}


-- "By=...;Hash=...;..." of a client's certificate. own_uris: of the certificate that the client was shown; details: a
-- list of "cert", "chain", "subject", "uri", "dns".
function _M.element(peer, own_uris, details)
    local wanted = {}
    for _, name in ipairs(details or {}) do
        wanted[name] = true
    end

    local parts = {}
    add_all(parts, "By", own_uris)
    parts[#parts + 1] = "Hash=" .. certificate.fingerprint(peer.certificate)
    for _, name in ipairs(DETAILS) do
        if wanted[name] then
            add[name](parts, peer)
        end
    end
    return concat(parts, ";")
end


-- What becomes of the header: its new value, false to remove it, nil to leave it as it came.
-- mode: "sanitize" (and nil), "forward_only", "append_forward", "sanitize_set", "always_forward_only"; sent: its value
-- as the client sent it, or nil; peer: what the client showed, or nil; make(): the element to write.
function _M.value(mode, sent, peer, make)
    if mode == "always_forward_only" then
        return nil
    end
    if not mode or mode == "sanitize" or not peer then
        return false
    end
    if mode == "forward_only" then
        return nil
    end

    local element = make()
    if mode == "append_forward" and sent and sent ~= "" then
        return sent .. "," .. element
    end
    return element
end


return _M
