-- Inputs of Envoy's matcher trees.
local principals = require("apisix.amesh.access.principals")
local texts = require("apisix.amesh.texts")

local error = error
local names_of = principals.names_of
local tostring = tostring

local _M = {}

-- Each returns the input's text, nil where there is none, and whether that means that nobody can tell.
local INPUTS = {
    uri_san = function(view, ctx)
        local peer = view.peer(ctx)
        return peer and names_of(peer, "uri"), not view.is_tls(ctx)
    end,
    dns_san = function(view, ctx)
        local peer = view.peer(ctx)
        return peer and names_of(peer, "dns"), not view.is_tls(ctx)
    end,
    subject = function(view, ctx)
        local peer = view.peer(ctx)
        local subject = peer and view.subject(peer)
        return subject ~= "" and subject or nil, not view.is_tls(ctx)
    end,
    source_ip = function(view, ctx)
        return view.remote_ip(ctx)
    end,
    direct_source_ip = function(view, ctx)
        return view.direct_ip(ctx)
    end,
    target_ip = function(view, ctx)
        return view.destination_ip(ctx)
    end,
    target_port = function(view, ctx)
        return tostring(view.destination_port(ctx))
    end,
    server_name = function(view, ctx)
        local name = view.server_name(ctx)
        return name ~= "" and name or nil
    end,
}


-- A condition, see matchers.lua.
function _M.compile(name, match)
    local get = INPUTS[name] or error("no input " .. name)
    local compare = texts.compile(match)
    return function(view, ctx)
        local value, unavailable = get(view, ctx)
        if unavailable then
            return nil
        end
        if not value then
            return false
        end
        return compare(value)
    end
end


return _M
