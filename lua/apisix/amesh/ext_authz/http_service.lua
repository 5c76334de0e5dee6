-- Asks an authorization service by HTTP: the request's own method, path and host, and the headers that it may see. 200
-- lets the request through, 5xx is no answer, anything else is what the client gets.
local call = require("apisix.amesh.ext_authz.call")
local header_format = require("apisix.amesh.header_format")
local request_view = require("apisix.amesh.access.request_view")
local texts = require("apisix.amesh.texts")

local get_headers = ngx.req.get_headers
local concat = table.concat
local gmatch = string.gmatch
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local sub = string.sub
local type = type

local _M = {}

local OK, SERVER_ERROR = 200, 500
local REMOVED = "x-envoy-auth-headers-to-remove"
-- what the client gets of a refusal besides its own list
local ALWAYS_TO_CLIENT = { ["www-authenticate"] = true, location = true }
-- of one connection
local HOP = { connection = true, ["keep-alive"] = true, ["transfer-encoding"] = true, ["proxy-connection"] = true,
              trailer = true }
local WRITTEN_ANEW = { ["content-length"] = true, upgrade = true, te = true, expect = true }


-- list: comparisons with a header's name; nil holds for none.
local function holds(list, name)
    for _, match in ipairs(list or {}) do
        if texts.holds(match, name) then
            return true
        end
    end
    return false
end


-- Headers as they are told to a service, by name in lower case: a text; or, where the filter wants each by itself, also
-- a list of them.
function _M.shown(filter)
    local shown = {}
    for name, value in pairs(get_headers(0)) do
        if not HOP[name] and (not filter.allowed_headers or holds(filter.allowed_headers, name))
           and not holds(filter.disallowed_headers, name) then
            if type(value) == "table" and not filter.encode_raw_headers then
                value = concat(value, ",")
            end
            shown[name] = value == true and "" or value
        end
    end
    return shown
end


function _M.add_configured(ctx, service, list)
    for _, mutation in ipairs(service.headers or {}) do
        local value = mutation.value
        if mutation.format then
            value = header_format.value(ctx, mutation)
        end
        if value ~= "" or mutation.keep_empty then
            list[mutation.name] = value
        end
    end
end


-- name, value of each header of an answer. x-apisix-… is what this proxy has added to it.
local function each(answer)
    local list = {}
    for name, value in pairs(answer.headers) do
        name = lower(name)
        if not HOP[name] and name ~= "content-length" and name ~= REMOVED and sub(name, 1, 9) ~= "x-apisix-" then
            for _, one in ipairs(type(value) == "table" and value or { value }) do
                list[#list + 1] = { name = name, value = one }
            end
        end
    end
    return ipairs(list)
end


local function removed(answer)
    local value = answer.headers[REMOVED]
    local list = {}
    for name in gmatch(type(value) == "string" and value or "", "[^,]+") do
        list[#list + 1] = lower((gsub(name, "%s", "")))
    end
    return list
end


local function passed(filter, answer)
    local outcome = { allowed = true, set = {}, append = {}, remove = removed(answer), response = {}, metadata = {} }
    for _, header in each(answer) do
        local name, value = header.name, header.value
        if holds(filter.upstream_headers, name) then
            outcome.set[#outcome.set + 1] = { op = "set", name = name, value = value }
        end
        if holds(filter.upstream_headers_to_append, name) then
            outcome.append[#outcome.append + 1] = { op = "append", name = name, value = value }
        end
        if holds(filter.client_headers_on_success, name) then
            outcome.response[#outcome.response + 1] = { op = "append", name = name, value = value }
        end
        if holds(filter.metadata_headers, name) then
            outcome.metadata[name] = value
        end
    end
    return outcome
end


local function refused(filter, answer)
    local outcome = { allowed = false, status = answer.status, body = answer.body, client = {} }
    for _, header in each(answer) do
        local name = header.name
        if not filter.client_headers or ALWAYS_TO_CLIENT[name] or holds(filter.client_headers, name) then
            outcome.client[#outcome.client + 1] = { op = "append", name = name, value = header.value }
        end
    end
    return outcome
end


-- body: what the service is shown of it, or nil. What it says (see filters/ext_authz.lua); nil and why there is no
-- answer.
function _M.ask(ctx, filter, _, body, is_cut)
    local service = filter.service
    local sent = _M.shown(filter)
    for name in pairs(WRITTEN_ANEW) do
        sent[name] = nil
    end
    if body then
        sent["x-envoy-auth-partial-body"] = is_cut and "true" or "false"
    end
    _M.add_configured(ctx, service, sent)
    sent["host"] = request_view.header(ctx, ":authority")
    sent["content-length"] = #(body or "")

    local answer, err = call.ask(service, {
        method = request_view.header(ctx, ":method"),
        target = (service.path_prefix or "") .. request_view.header(ctx, ":path"),
        headers = sent,
        body = body,
    })
    if not answer then
        return nil, err
    end
    if answer.status >= SERVER_ERROR then
        return nil, "status " .. answer.status
    end
    return answer.status == OK and passed(filter, answer) or refused(filter, answer)
end


return _M
