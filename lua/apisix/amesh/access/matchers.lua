-- Envoy's permissions, principals and inputs of matcher trees, as functions of (view, ctx). A view says what is known
-- of a request (request_view.lua) or of a connection (connection_view.lua, stream_view.lua).
--
-- Each returns true or false, or nil where nobody can tell: a part that the library could not translate, an expression
-- that gave up, a client's name where there is no TLS. What is built of such a part is nil as far as the rest does not
-- decide it, and who asks lets nobody through by it.
local metadata = require("apisix.amesh.access.metadata")
local prefix_table = require("apisix.amesh.prefix_table")
local texts = require("apisix.amesh.texts")

local concat = table.concat
local error = error
local find = string.find
local tonumber = tonumber
local tostring = tostring

local _M = {}
local compile


local function always()
    return true
end


local function cannot_tell()
    return nil
end


local function compile_all(list, in_order)
    local compiled = {}
    for index = 1, #list do
        compiled[index] = compile(list[index], in_order)
    end
    return compiled
end


local function any_of(list, in_order)
    local compiled = compile_all(list, in_order)
    local count = #compiled
    if count == 1 then
        return compiled[1]
    end

    return function(view, ctx)
        local result = false
        for index = 1, count do
            local one = compiled[index](view, ctx)
            if one then
                return true
            elseif one == nil then
                result = nil
            end
        end
        return result
    end
end


-- in_order: what cannot be told ends it, as in Envoy's matcher trees.
local function all_of(list, in_order)
    local compiled = compile_all(list, in_order)
    local count = #compiled
    if count == 1 then
        return compiled[1]
    end

    return function(view, ctx)
        local result = true
        for index = 1, count do
            local one = compiled[index](view, ctx)
            if one == false or (one == nil and in_order) then
                return one
            elseif one == nil then
                result = nil
            end
        end
        return result
    end
end


local function not_of(match, in_order)
    local compiled = compile(match, in_order)
    return function(view, ctx)
        local result = compiled(view, ctx)
        if result == nil then
            return nil
        end
        return not result
    end
end


local function header(match)
    local name, invert = match.header, match.invert or false
    if match.present ~= nil then
        local present = match.present
        return function(view, ctx)
            return ((view.header(ctx, name) ~= nil) == present) ~= invert
        end
    end

    local compare
    if match.from then
        local from, to = match.from, match.to
        compare = function(value)
            local number = find(value, "^[-+]?%d+$") and tonumber(value)
            return number and from <= number and number < to or false
        end
    else
        compare = texts.compile(match.is)
    end

    local missing = match.missing_as_empty and "" or nil
    return function(view, ctx)
        local value = view.header(ctx, name) or missing
        -- an absent header matches nothing, inverted or not
        if not value then
            return false
        end

        local result = compare(value)
        if result == nil then
            return nil
        end
        return result ~= invert
    end
end


local function address(ranges, of)
    local held = prefix_table.new()
    for index = 1, #ranges do
        held:put(ranges[index], true)
    end

    return function(view, ctx)
        return held:find(view[of](ctx)) == true
    end
end


local function port(range)
    local from, to = range[1], range[2]
    return function(view, ctx)
        local number = view.destination_port(ctx)
        return from <= number and number < to
    end
end


-- Of URI names and DNS names each, then of the subject, whatever there is of names: Envoy's order. A TLS connection
-- without a certificate has an empty subject.
local function principal(match)
    local compare = texts.compile(match)
    return function(view, ctx)
        if not view.is_tls(ctx) then
            return false
        end

        local peer = view.peer(ctx)
        local result = false
        local names = peer and peer.names
        for index = 1, names and #names or 0 do
            local name = names[index]
            if name.type == "uri" or name.type == "dns" then
                local one = compare(name.value)
                if one then
                    return true
                elseif one == nil then
                    result = nil
                end
            end
        end

        local subject = compare(peer and view.subject(peer) or "")
        if subject == false then
            return result
        end
        return subject
    end
end


local function text_of(get, match, when_absent)
    local compare = texts.compile(match)
    return function(view, ctx)
        local value = get(view, ctx)
        if not value then
            return when_absent
        end
        return compare(value)
    end
end


local function names_of(peer, wanted)
    local list = {}
    for index = 1, #peer.names do
        if peer.names[index].type == wanted then
            list[#list + 1] = peer.names[index].value
        end
    end
    return list[1] and concat(list, ",")
end


-- Inputs of matcher trees; nil: there is none; and whether that means that nobody can tell.
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


local function input(name, match)
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


function compile(match, in_order)
    if match.any then
        return always
    elseif match["and"] then
        return all_of(match["and"], in_order)
    elseif match["or"] then
        return any_of(match["or"], in_order)
    elseif match["not"] then
        return not_of(match["not"], in_order)
    elseif match.header then
        return header(match)
    elseif match.path then
        return text_of(function(view, ctx)
            return view.path(ctx)
        end, match.path, false)
    elseif match.target_ip then
        return address(match.target_ip, "destination_ip")
    elseif match.target_port then
        return port(match.target_port)
    elseif match.direct_ip then
        return address(match.direct_ip, "direct_ip")
    elseif match.remote_ip then
        return address(match.remote_ip, "remote_ip")
    elseif match.principal then
        return principal(match.principal)
    elseif match.tls then
        return function(view, ctx)
            return view.is_tls(ctx)
        end
    elseif match.server_name then
        return text_of(function(view, ctx)
            return view.server_name(ctx)
        end, match.server_name, false)
    elseif match.metadata then
        return metadata.compile(match.metadata)
    elseif match.peer_uris then
        return text_of(function(view, ctx)
            local peer = view.peer(ctx)
            return peer and names_of(peer, "uri")
        end, match.peer_uris, false)
    elseif match.input then
        return input(match.input, match.is)
    elseif match.unknown then
        return cannot_tell
    end

    error("a condition that says nothing")
end


_M.compile = compile
_M.any_of = any_of

return _M
