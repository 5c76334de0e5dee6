-- One provider of a JWT filter: whom its tokens may be for, and its keys.
local lrucache = require("resty.lrucache")
local keys = require("apisix.amesh.jwt.keys")
local remote_keys = require("apisix.amesh.jwt.remote_keys")
local secrets = require("apisix.amesh.secrets")
local signature = require("apisix.amesh.jwt.signature")
local status = require("apisix.amesh.jwt.status")
local texts = require("apisix.amesh.texts")
local token = require("apisix.amesh.jwt.token")

local ipairs = ipairs
local match = string.match
local setmetatable = setmetatable
local sub = string.sub

local _M = {}

-- What Envoy's own cache of tokens keeps, and a number of tokens that a worker sees again.
local LONGEST_CACHED = 4096
local CACHED = 500

-- a key set -> the tokens that one of its keys has signed, by their hash
local verified = setmetatable({}, { __mode = "k" })


-- "https://a/" and "a" are one audience.
local function bare_audience(text)
    local rest = match(text, "^https?://(.*)$") or text
    return sub(rest, -1) == "/" and sub(rest, 1, -2) or rest
end


-- nil where everybody is meant.
function _M.audiences(list)
    if not list or not list[1] then
        return nil
    end

    local allowed = {}
    for _, audience in ipairs(list) do
        allowed[bare_audience(audience)] = true
    end
    return allowed
end


function _M.new(conf)
    return { conf = conf, audiences = _M.audiences(conf.audiences) }
end


local function is_audience_allowed(allowed, audiences)
    if not allowed then
        return true
    end

    for _, audience in ipairs(audiences or {}) do
        if allowed[bare_audience(audience)] then
            return true
        end
    end
    return false
end


-- How long it may live on, not how long it has lived.
local function is_lifetime_allowed(conf, exp, now)
    if not conf.require_expiration and not conf.max_lifetime then
        return true
    end
    if not exp or exp == 0 then
        return false
    end
    return not conf.max_lifetime or exp - now < conf.max_lifetime
end


-- What speaks against a token's claims; nil where nothing does. audiences: of the requirement, in place of the own.
function _M.fault_of_claims(provider, one, audiences, now)
    local conf = provider.conf
    local why = token.time_fault(one, now, conf.clock_skew_seconds)
    if why then
        return why
    end
    if not is_audience_allowed(audiences or provider.audiences, one.aud) then
        return status.audience_not_allowed
    end
    if conf.subjects and not texts.holds(conf.subjects, one.sub or "") then
        return status.verification_fails
    end
    if not is_lifetime_allowed(conf, one.exp, now) then
        return status.verification_fails
    end
end


-- The key set as it is now; nil and the status where there is none. May wait for a fetch.
local function keys_of(conf)
    if conf.remote then
        return remote_keys.get(conf.remote)
    end

    local text = conf.jwks
    if conf.jwks_secret then
        text = secrets.jwks(conf.jwks_secret)
    end
    local set = text and keys.of(text)
    if not set then
        return nil, status.no_valid_keys
    end
    return set
end


-- What speaks against a token's signature. The outcome is remembered for good signatures alone, and goes with its keys.
function _M.fault_of_signature(provider, one, text)
    local set, why = keys_of(provider.conf)
    if not set then
        return why
    end

    local hash = #text <= LONGEST_CACHED and signature.sha256(text)
    local known = verified[set]
    if hash and known and known:get(hash) then
        return nil
    end

    why = keys.fault_of(set, one)
    if not why and hash then
        if not known then
            known = lrucache.new(CACHED)
            verified[set] = known
        end
        known:set(hash, true)
    end
    return why
end


return _M
