-- Envoy's external authorization (envoy.filters.http.ext_authz): a service of the mesh says of each request whether it
-- goes on, and what headers, metadata and answer it gets.
--
--   { service = { kind = "http"|"grpc", upstream_id, host, timeout?, path_prefix?, headers? }, when?, ppm?, body?,
--     ... }
--
-- as Amesh.Apisix/ExternalAuthorizationFilter.cs has it. What a service says is
--
--   { allowed = true, set, append, remove, response, metadata?, query_set?, query_remove? }
--   { allowed = false, status, body?, client }
--
-- with lists of header changes (header_ops.lua). No answer refuses the request unless `failure_mode_allow` says
-- otherwise.
local core = require("apisix.core")
local fault = require("apisix.amesh.fault")
local header_ops = require("apisix.amesh.header_ops")
local headers = require("apisix.amesh.headers")
local matchers_metadata = require("apisix.amesh.access.metadata")
local query_parameters = require("apisix.amesh.ext_authz.query_parameters")
local request_view = require("apisix.amesh.access.request_view")
local shown_body = require("apisix.amesh.ext_authz.shown_body")

local byte = string.byte
local ipairs = ipairs
local pairs = pairs
local require = require
local setmetatable = setmetatable
local type = type

local _M = {}

local NAMESPACE = "envoy.filters.http.ext_authz"
local FORBIDDEN, TOO_LARGE = 403, 413
local COLON = byte(":")

-- loaded when one is asked
local SERVICES = { http = "apisix.amesh.ext_authz.http_service", grpc = "apisix.amesh.ext_authz.grpc_service" }

-- a filter's condition -> its function, as long as the filter lives
local conditions = setmetatable({}, { __mode = "k" })


-- Whether the service is asked at all. A condition that nobody can tell holds.
local function is_asked(ctx, filter)
    if filter.ppm and not fault.happens(filter.ppm) then
        return false
    end
    if not filter.when then
        return true
    end

    local holds = conditions[filter]
    if not holds then
        holds = matchers_metadata.compile(filter.when)
        conditions[filter] = holds
    end
    return holds(request_view, ctx) ~= false
end


local function no_answer(ctx, filter, why)
    core.log.error("no answer from ", filter.service.cluster, ", which filter ", filter.name, " asks: ", why)
    if not filter.failure_mode_allow then
        ctx.amesh_denied_by = "filter " .. filter.name .. ": no answer"
        return filter.status_on_error or FORBIDDEN
    end
    if filter.failure_mode_allow_header_add then
        headers.set(ctx, "x-envoy-auth-failure-mode-allowed", "true")
    end
end


local function remove(ctx, names)
    for _, name in ipairs(names) do
        if byte(name) ~= COLON and name ~= "host" then
            headers.clear(ctx, name)
        end
    end
end


local function append(ctx, operations)
    for _, operation in ipairs(operations) do
        -- as Envoy does it: a header that the request does not have is left so
        if headers.raw(ctx, operation.name) then
            header_ops.request(ctx, { operation })
        end
    end
end


-- :path and its like are what routes are chosen by, and nginx's own.
local function without_pseudo(filter, operations)
    local list = {}
    for _, operation in ipairs(operations) do
        if byte(operation.name) == COLON and operation.name ~= ":authority" then
            core.log.error("filter ", filter.name, ": ", operation.name, " is not changed")
        else
            list[#list + 1] = operation
        end
    end
    return list
end


local function go_on(ctx, filter, outcome)
    local set = without_pseudo(filter, outcome.set)
    header_ops.request(ctx, set)
    append(ctx, outcome.append)
    remove(ctx, outcome.remove)
    local changed = #set + #outcome.append + #outcome.remove > 0
    changed = query_parameters.change(ctx, outcome.query_set, outcome.query_remove) or changed

    if #outcome.response > 0 then
        ctx.amesh_response_headers = outcome.response
    end
    if changed and filter.clear_route_cache then
        ctx.amesh_route_cleared = true
    end
end


local function leave_metadata(ctx, found)
    ctx.amesh_metadata = ctx.amesh_metadata or {}
    local all = ctx.amesh_metadata[NAMESPACE] or {}
    for name, value in pairs(found) do
        all[name] = value
    end
    ctx.amesh_metadata[NAMESPACE] = all
end


-- Headers of a refusal: of one name the first replaces what is there, the others stand beside it.
local function header_table(operations)
    local result = {}
    for _, operation in ipairs(operations) do
        local name, value = operation.name, operation.value
        local old = result[name]
        if byte(name) == COLON then
            value = nil
        elseif old then
            value = type(old) == "table" and old or { old }
            value[#value + 1] = operation.value
        end
        result[name] = value or old
    end
    return result
end


local function body_conf_of(filter, override)
    if override and override.without_body then
        return nil
    end
    return override and override.body or filter.body
end


function _M.run(filter, ctx, override)
    if not is_asked(ctx, filter) then
        return filter.deny_at_disable and (filter.status_on_error or FORBIDDEN) or nil
    end

    local body_conf = body_conf_of(filter, override)
    local body, cut_or_why = shown_body.read(ctx, body_conf)
    if not body and cut_or_why == shown_body.TOO_LONG then
        return TOO_LARGE, "Payload Too Large"
    elseif not body and cut_or_why then
        return no_answer(ctx, filter, "the body cannot be shown: " .. cut_or_why)
    end

    local service = require(SERVICES[filter.service.kind])
    local outcome, err = service.ask(ctx, filter, override, body, cut_or_why, body_conf)
    if not outcome then
        return no_answer(ctx, filter, err)
    end

    if outcome.metadata then
        leave_metadata(ctx, outcome.metadata)
    end
    if outcome.allowed then
        return go_on(ctx, filter, outcome)
    end

    ctx.amesh_denied_by = "filter " .. filter.name .. ": " .. filter.service.cluster .. " refuses it"
    return outcome.status, outcome.body, header_table(outcome.client)
end


return _M
