-- Who the client of a TLS connection is, by its certificate.
local logic = require("apisix.amesh.access.logic")
local texts = require("apisix.amesh.texts")

local concat = table.concat

local _M = {}

local NO_NAMES = {}


-- The alternative names of a type, with commas between them; nil for none.
function _M.names_of(peer, wanted)
    local list = {}
    for index = 1, #peer.names do
        if peer.names[index].type == wanted then
            list[#list + 1] = peer.names[index].value
        end
    end
    return list[1] and concat(list, ",")
end


-- Of URI names and DNS names each, then of the subject, whatever there is of names: Envoy's order. A TLS connection
-- without a certificate has an empty subject.
function _M.authenticated(match)
    local compare = texts.compile(match)
    local function is_named(name)
        if name.type ~= "uri" and name.type ~= "dns" then
            return false
        end
        return compare(name.value)
    end

    return function(view, ctx)
        if not view.is_tls(ctx) then
            return false
        end

        local peer = view.peer(ctx)
        local named = logic.holds_for_any(is_named, peer and peer.names or NO_NAMES)
        if named then
            return true
        end

        local subject = compare(peer and view.subject(peer) or "")
        if subject == false then
            return named
        end
        return subject
    end
end


return _M
