-- What a rule asks of a request's tokens:
--   { provider, audiences? }         every token at the provider's places is one of its own
--   { any = [...] }, { all = [...] } of requirements
--   { allow_missing = true }         as for a provider, for all providers together, or no token at all
--   { allow_missing_or_failed = true }
--   { }                              nothing
-- A requirement is compiled once; check(requirement, ctx, state) returns the status of what it wants, nil for good.
local locations = require("apisix.amesh.jwt.locations")
local outcome = require("apisix.amesh.jwt.outcome")
local provider = require("apisix.amesh.jwt.provider")
local status = require("apisix.amesh.jwt.status")
local token = require("apisix.amesh.jwt.token")

local error = error
local ipairs = ipairs
local ngx_time = ngx.time

local _M = {}


-- Why a token is not good; nil where it is. Sets `found.provider` as soon as that is known.
local function fault_of(self, found)
    local one, why = token.parse(found.text)
    if not one then
        return why
    end
    found.token = one
    if not locations.is_issuer_allowed(found, one.iss) then
        return status.unknown_issuer
    end

    local of = self.provider or self.by_issuer[one.iss or ""] or self.by_issuer[""]
    found.provider = of
    if not of then
        return status.unknown_issuer
    end
    return provider.fault_of_claims(of, one, self.audiences, ngx_time())
           or provider.fault_of_signature(of, one, found.text)
end


-- All tokens must be good: else the endpoint might take a bad one for the good one that was checked.
local function check_tokens(self, ctx, state)
    locations.sanitize(ctx, self.locations)
    local tokens = locations.extract(ctx, self.locations)
    local why = not tokens[1] and status.missing or nil
    if why then
        outcome.leave_fault(self.single, why, state.metadata)
    end

    -- whose failure it is where a token does not tell: the one before, or the only one
    local last = self.provider or self.single
    for place = #tokens, 1, -1 do
        local found = tokens[place]
        why = fault_of(self, found)
        last = found.provider or last
        if why then
            outcome.leave_fault(last, why, state.metadata)
            if not self.goes_on then
                break
            end
        else
            outcome.leave(ctx, found.provider.conf, found.token, found, state.metadata)
        end
    end

    if self.allow_failed or (self.allow_missing and why == status.missing) then
        return nil
    end
    return why
end


local function check_any(self, ctx, state)
    local final = status.missing
    for _, member in ipairs(self.members) do
        local why = member.check(member, ctx, state)
        if not why then
            return nil
        end
        if (why ~= status.missing and why ~= status.unknown_issuer) or final == status.missing then
            final = why
        end
    end

    if self.allow_failed or (self.allow_missing and final == status.missing) then
        return nil
    end
    return final
end


local function check_all(self, ctx, state)
    if not self.members[1] then
        return status.missing
    end

    for _, member in ipairs(self.members) do
        local why = member.check(member, ctx, state)
        if why then
            return why
        end
    end
    return nil
end


local function check_nothing()
    return nil
end


-- Tokens of any provider, found by their issuers.
local function of_all(providers, fields)
    fields.check = check_tokens
    fields.goes_on = true
    fields.by_issuer = providers.by_issuer
    fields.single = providers.single
    fields.locations = providers.locations
    return fields
end


local function of_provider(conf, providers)
    local one = providers.by_name[conf.provider]
    if not one then
        error("there is no provider " .. conf.provider)
    end
    return {
        check = check_tokens,
        provider = one,
        single = providers.single,
        audiences = provider.audiences(conf.audiences),
        locations = one.locations,
    }
end


local function members_of(list, providers)
    local members = {}
    for _, one in ipairs(list) do
        members[#members + 1] = _M.compile(one, providers)
    end
    return members
end


-- In a list of which one is enough, what may be missing says how the others' failure is taken.
local function of_any(list, providers)
    local allow_failed, allow_missing, others = false, false, {}
    for _, one in ipairs(list) do
        allow_failed = allow_failed or one.allow_missing_or_failed
        allow_missing = allow_missing or one.allow_missing
        if not one.allow_missing_or_failed and not one.allow_missing then
            others[#others + 1] = one
        end
    end

    if not others[1] and (allow_failed or allow_missing) then
        return of_all(providers, { allow_failed = allow_failed, allow_missing = allow_missing })
    end
    return {
        check = check_any,
        members = members_of(others, providers),
        allow_failed = allow_failed,
        allow_missing = allow_missing,
    }
end


-- providers: { by_name, by_issuer, single = the only one, locations = of all of them }.
function _M.compile(conf, providers)
    if conf.any then
        return of_any(conf.any, providers)
    elseif conf.all then
        return { check = check_all, members = members_of(conf.all, providers) }
    elseif conf.allow_missing_or_failed then
        return of_all(providers, { allow_failed = true, allow_missing = true })
    elseif conf.allow_missing then
        return of_all(providers, { allow_missing = true })
    elseif conf.provider then
        return of_provider(conf, providers)
    end
    return { check = check_nothing }
end


return _M
