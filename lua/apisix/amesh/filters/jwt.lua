-- Envoy's JWT filter (envoy.filters.http.jwt_authn):
--
--   { providers = [{ name, issuer?, audiences?, ... }], rules = [{ when?, requires? | requirement? }],
--     requirements? = { NAME: requirement }, bypass_cors_preflight?, strip_failure_response? }
--
-- The first rule whose conditions hold says what is asked of the request's tokens (jwt/requirement.lua); a request that
-- no rule is for, or one that asks for nothing, goes on. A route may name another requirement.
local core = require("apisix.core")
local expr = require("resty.expr.v1")
local authority = require("apisix.amesh.authority")
local headers = require("apisix.amesh.headers")
local locations = require("apisix.amesh.jwt.locations")
local provider = require("apisix.amesh.jwt.provider")
local requirement = require("apisix.amesh.jwt.requirement")
local status = require("apisix.amesh.jwt.status")
local variables = require("apisix.amesh.variables")

local ngx_req = ngx.req
local concat = table.concat
local error = error
local ipairs = ipairs
local next = next
local pairs = pairs
local setmetatable = setmetatable
local sort = table.sort
local sub = string.sub

local _M = {}

local NAMESPACE = "envoy.filters.http.jwt_authn"
local FORBIDDEN, UNAUTHORIZED = 403, 401
local LONGEST_PATH = 256

-- a filter's configuration -> what was made of it, as long as the configuration lives
local compiled = setmetatable({}, { __mode = "k" })


local function compile_providers(list)
    list = list or {}
    local by_name, by_issuer = {}, {}
    for _, conf in ipairs(list) do
        local one, issuer = provider.new(conf), conf.issuer or ""
        one.locations = locations.of({ conf })
        by_name[conf.name] = one
        by_issuer[issuer] = by_issuer[issuer] or one
    end

    return {
        by_name = by_name,
        by_issuer = by_issuer,
        single = #list == 1 and by_name[list[1].name] or nil,
        locations = locations.of(list),
    }
end


local function compile_rule(rule, named, providers)
    local made = {}
    if rule.when then
        variables.ensure_all(rule.when)
        local err
        made.when, err = expr.new(rule.when)
        if not made.when then
            error("the conditions of a rule cannot be used: " .. err)
        end
    end

    if rule.requirement then
        made.requires = named[rule.requirement] or error("there is no requirement " .. rule.requirement)
    elseif rule.requires then
        made.requires = requirement.compile(rule.requires, providers)
    end
    return made
end


local function compile(filter)
    local providers = compile_providers(filter.providers)
    local made, names = { named = {}, rules = {} }, {}
    for name, conf in pairs(filter.requirements or {}) do
        made.named[name] = requirement.compile(conf, providers)
        names[#names + 1] = name
    end
    for place, rule in ipairs(filter.rules or {}) do
        made.rules[place] = compile_rule(rule, made.named, providers)
    end

    sort(names)
    made.names = concat(names, ",")
    return made
end


local function is_preflight(ctx)
    return ngx_req.get_method() == "OPTIONS" and (headers.value(ctx, "origin") or "") ~= ""
           and (headers.value(ctx, "access-control-request-method") or "") ~= ""
end


-- As the client called it; what the endpoint is called by is not known yet.
local function realm(ctx)
    local path, query = variables.path_of(ctx)
    local target = query and path .. "?" .. query or path
    local scheme = headers.value(ctx, "x-forwarded-proto") or ctx.var.scheme
    return scheme .. "://" .. authority.of(ctx) .. sub(target, 1, LONGEST_PATH)
end


local function requirement_for(ctx, made)
    for _, rule in ipairs(made.rules) do
        if not rule.when or rule.when:eval(ctx.var) then
            return rule.requires
        end
    end
end


local function leave_metadata(ctx, found)
    if not next(found) then
        return
    end

    ctx.amesh_metadata = ctx.amesh_metadata or {}
    local all = ctx.amesh_metadata[NAMESPACE] or {}
    for name, struct in pairs(found) do
        all[name] = struct
    end
    ctx.amesh_metadata[NAMESPACE] = all
end


local function refusal(filter, why, asked_for)
    local code = why == status.audience_not_allowed and FORBIDDEN or UNAUTHORIZED
    if filter.strip_failure_response then
        return code, ""
    end

    local challenge = 'Bearer realm="' .. asked_for .. '"'
    if why ~= status.missing then
        challenge = challenge .. ', error="invalid_token"'
    end
    return code, why.text, { ["www-authenticate"] = challenge }
end


-- override: { requirement = NAME } where the route names one.
function _M.run(filter, ctx, override)
    if filter.bypass_cors_preflight and is_preflight(ctx) then
        return nil
    end

    local made = compiled[filter]
    if not made then
        made = compile(filter)
        compiled[filter] = made
    end

    local asked
    if override then
        asked = made.named[override.requirement or ""]
        if not asked then
            core.log.warn("request refused: its route names no requirement of filter ", filter.name)
            return FORBIDDEN, filter.strip_failure_response and "" or "Failed JWT authentication: "
                .. "Wrong requirement_name: " .. (override.requirement or "") .. ". It should be one of ["
                .. made.names .. "]"
        end
    else
        asked = requirement_for(ctx, made)
    end
    if not asked then
        return nil
    end

    -- before a token is taken out of the query
    local asked_for, state = realm(ctx), { metadata = {} }
    local why = asked.check(asked, ctx, state)
    leave_metadata(ctx, state.metadata)
    if why then
        return refusal(filter, why, asked_for)
    end
end


return _M
