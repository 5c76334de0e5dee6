-- Who the client is, as variables for plugins, logs and routes: amesh_peer_uri (its first URI name, such as a SPIFFE
-- identity), amesh_peer_dns, amesh_peer_subject, amesh_peer_fingerprint (SHA-256), amesh_peer_certificate (PEM). nil
-- where the client showed no certificate that a filter chain of the mesh verified.
local register_var = require("apisix.core.ctx").register_var
local certificate = require("apisix.amesh.certificate")
local downstream_tls = require("apisix.amesh.downstream_tls")

local pairs = pairs

local getters = {
    amesh_peer_uri = function(peer)
        return peer.uris[1]
    end,
    amesh_peer_dns = function(peer)
        return certificate.values(peer.names, "dns")[1]
    end,
    amesh_peer_subject = function(peer)
        return certificate.subject(peer.certificate)
    end,
    amesh_peer_fingerprint = function(peer)
        return certificate.fingerprint(peer.certificate)
    end,
    amesh_peer_certificate = function(peer)
        return certificate.pem(peer.certificate)
    end,
}


for name, getter in pairs(getters) do
    register_var(name, function()
        local choice = downstream_tls.current()
        local peer = choice and choice.authority and downstream_tls.peer(choice)
        if not peer then
            return nil
        end
        return getter(peer)
    end)
end


return {}
