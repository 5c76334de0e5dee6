-- Envoy's permissions, principals and inputs of matcher trees, as functions of (view, ctx). A view says what is known
-- of a request (request_view.lua) or of a connection (connection_view.lua, stream_view.lua).
--
-- Each returns true or false, or nil where nobody can tell: a part that the library could not translate, an expression
-- that gave up, a client's name where there is no TLS. What is built of such a part is nil as far as the rest does not
-- decide it, and who asks lets nobody through by it.
local inputs = require("apisix.amesh.access.inputs")
local logic = require("apisix.amesh.access.logic")
local metadata = require("apisix.amesh.access.metadata")
local prefix_table = require("apisix.amesh.prefix_table")
local principals = require("apisix.amesh.access.principals")
local texts = require("apisix.amesh.texts")

local error = error
local find = string.find
local tonumber = tonumber

local _M = {}
local compile


local function always()
    return true
end


local function cannot_tell()
    return nil
end


local function header(match)
    local name = match.header
    if match.present ~= nil then
        local present = match.present ~= (match.invert or false)
        return function(view, ctx)
            return (view.header(ctx, name) ~= nil) == present
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
    if match.invert then
        compare = logic.not_of(compare)
    end

    local missing = match.missing_as_empty and "" or nil
    return function(view, ctx)
        local value = view.header(ctx, name) or missing
        -- an absent header matches nothing, inverted or not
        if not value then
            return false
        end
        return compare(value)
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


local function text_of(get, match)
    local compare = texts.compile(match)
    return function(view, ctx)
        local value = get(view, ctx)
        if not value then
            return false
        end
        return compare(value)
    end
end


-- in_order: see logic.all_of.
function compile(match, in_order)
    if match.any then
        return always
    elseif match["and"] then
        return logic.all_of(match["and"], compile, in_order)
    elseif match["or"] then
        return logic.any_of(match["or"], compile, in_order)
    elseif match["not"] then
        return logic.not_of(compile(match["not"], in_order))
    elseif match.header then
        return header(match)
    elseif match.path then
        return text_of(function(view, ctx)
            return view.path(ctx)
        end, match.path)
    elseif match.target_ip then
        return address(match.target_ip, "destination_ip")
    elseif match.target_port then
        return port(match.target_port)
    elseif match.direct_ip then
        return address(match.direct_ip, "direct_ip")
    elseif match.remote_ip then
        return address(match.remote_ip, "remote_ip")
    elseif match.principal then
        return principals.authenticated(match.principal)
    elseif match.tls then
        return function(view, ctx)
            return view.is_tls(ctx)
        end
    elseif match.server_name then
        return text_of(function(view, ctx)
            return view.server_name(ctx)
        end, match.server_name)
    elseif match.metadata then
        return metadata.compile(match.metadata)
    elseif match.peer_uris then
        return text_of(function(view, ctx)
            local peer = view.peer(ctx)
            return peer and principals.names_of(peer, "uri")
        end, match.peer_uris)
    elseif match.input then
        return inputs.compile(match.input, match.is)
    elseif match.unknown then
        return cannot_tell
    end

    error("a condition that says nothing")
end


_M.compile = compile


function _M.any_of(list)
    return logic.any_of(list, compile)
end


return _M
