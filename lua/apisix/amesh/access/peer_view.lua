-- The client of a TLS connection that the mesh ends, in HTTP and in stream alike: a part of every view.
local certificate = require("apisix.amesh.certificate")
local downstream_tls = require("apisix.amesh.downstream_tls")

local _M = {}


function _M.is_tls()
    return downstream_tls.current() ~= nil
end


-- { certificate, names, uris }; nil where it showed no certificate that was verified.
function _M.peer()
    local choice = downstream_tls.current()
    return choice and choice.authority and downstream_tls.peer(choice) or nil
end


-- Kept with the peer: most clients send more than one request.
function _M.subject(peer)
    local subject = peer.subject
    if not subject then
        subject = certificate.subject(peer.certificate) or ""
        peer.subject = subject
    end
    return subject
end


return _M
