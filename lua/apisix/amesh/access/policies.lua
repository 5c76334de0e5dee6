-- What an RBAC filter decides: policies of one action, or a tree of conditions. Compiled once for each object that
-- says it.
--
-- { action = "allow"|"deny"|"log", policies = { { name, permissions = { MATCH, ... }, principals = { MATCH, ... } } } }
-- { matcher = TREE }, TREE = { list = { { when = MATCH, on = OUTCOME }, ... }, otherwise = OUTCOME|nil },
--   OUTCOME = { action, name } | TREE
-- neither: everybody is let through.
local matchers = require("apisix.amesh.access.matchers")

local error = error
local setmetatable = setmetatable

local _M = {}

local UNDECIDED = "cannot be decided"

-- by the table that the object was decoded to; no function below may hold on to it
local compiled = setmetatable({}, { __mode = "k" })


local function allow_all()
    return true
end


local function policy_of(policy)
    local permits = matchers.any_of(policy.permissions)
    local is_meant = matchers.any_of(policy.principals)
    return {
        name = policy.name,
        holds = function(view, ctx)
            local permitted = permits(view, ctx)
            if permitted == false then
                return false
            end

            local meant = is_meant(view, ctx)
            if meant == false then
                return false
            end
            return permitted and meant
        end,
    }
end


local function list_of(policies)
    local list = {}
    for index = 1, #policies do
        list[index] = policy_of(policies[index])
    end
    return list
end


-- Lets through what one of the policies holds for.
local function allowing(policies)
    local list = list_of(policies)
    return function(view, ctx)
        local undecided
        for index = 1, #list do
            local policy = list[index]
            local holds = policy.holds(view, ctx)
            if holds then
                return true, policy.name
            elseif holds == nil then
                undecided = policy.name
            end
        end

        if undecided then
            return false, undecided, UNDECIDED
        end
        return false, nil, "no policy allows it"
    end
end


-- Lets through what none of the policies holds for.
local function denying(policies)
    local list = list_of(policies)
    return function(view, ctx)
        for index = 1, #list do
            local policy = list[index]
            local holds = policy.holds(view, ctx)
            if holds ~= false then
                return false, policy.name, holds == nil and UNDECIDED or "denies it"
            end
        end
        return true
    end
end


local LETS_THROUGH = { allow = true, log = true, deny = false }

local tree


-- A function that returns true or false and the action's name; nothing where the outcome is none.
local function outcome_of(outcome)
    if outcome.list then
        return tree(outcome)
    end

    local allowed, name = LETS_THROUGH[outcome.action], outcome.name
    if allowed == nil then
        error("no action " .. outcome.action)
    end
    return function()
        return allowed, name, not allowed and "denies it" or nil
    end
end


-- Returns nothing where no condition holds and nothing stands for that.
function tree(conf)
    local list = {}
    for index = 1, #conf.list do
        local entry = conf.list[index]
        list[index] = { when = matchers.compile(entry.when, true), on = outcome_of(entry.on) }
    end
    local otherwise = conf.otherwise and outcome_of(conf.otherwise)

    return function(view, ctx)
        for index = 1, #list do
            local entry = list[index]
            local holds = entry.when(view, ctx)
            if holds == nil then
                return false, nil, UNDECIDED
            end
            if holds then
                local allowed, name, why = entry.on(view, ctx)
                if allowed ~= nil then
                    return allowed, name, why
                end
            end
        end

        if otherwise then
            return otherwise(view, ctx)
        end
    end
end


local function by_tree(conf)
    local decide = tree(conf)
    return function(view, ctx)
        local allowed, name, why = decide(view, ctx)
        if allowed == nil then
            return false, nil, "no condition of its matcher holds"
        end
        return allowed, name, why
    end
end


local ACTIONS = {
    allow = allowing,
    deny = denying,
    log = function()
        return allow_all
    end,
}


local function compile(conf)
    if conf.matcher then
        return by_tree(conf.matcher)
    end
    if not conf.action then
        return allow_all
    end

    local make = ACTIONS[conf.action] or error("no action " .. conf.action)
    return make(conf.policies)
end


-- Returns true or false, the name of the policy that decides (nil: none), and for false how it came.
function _M.decide(conf, view, ctx)
    local decide = compiled[conf]
    if not decide then
        decide = compile(conf)
        compiled[conf] = decide
    end
    return decide(view, ctx)
end


return _M
