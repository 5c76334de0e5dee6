-- The key that hash balancing works on: what the route's hash policies find in the request, in their order.
--
-- [{header: "x"} | {cookie: {name, ttl?, path?}} | {query: "x"} | {source_ip: true}, each with terminal?]
local headers = require("apisix.amesh.headers")
local path = require("apisix.amesh.path")
local variables = require("apisix.amesh.variables")

local ngx = ngx
local concat = table.concat
local format = string.format
local ipairs = ipairs
local md5 = ngx.md5
local random = math.random
local type = type

local _M = {}


local function cookie_value(ctx, name)
    local all = headers.value(ctx, "cookie")
    for pair in (all or ""):gmatch("[^;]+") do
        local key, value = pair:match("^%s*([^=]-)%s*=%s*(.-)%s*$")
        if key == name then
            return (value:gsub('^"(.*)"$', "%1"))
        end
    end
end


-- A client without the cookie is given one, so that it comes to the same endpoint again.
local function cookie(ctx, policy)
    local value = cookie_value(ctx, policy.name)
    if value and value ~= "" then
        return value
    end
    if not policy.ttl then
        return nil
    end

    value = md5(format("%s%s%s%f", ngx.var.remote_addr, ngx.var.remote_port, ngx.now(), random())):sub(1, 16)
    local parts = { format('%s="%s"', policy.name, value) }
    if policy.ttl > 0 then
        parts[#parts + 1] = "Max-Age=" .. policy.ttl
    end
    if policy.path and policy.path ~= "" then
        parts[#parts + 1] = "Path=" .. policy.path
    end
    parts[#parts + 1] = "HttpOnly"
    ctx.amesh.set_cookie = concat(parts, "; ")
    return value
end


local function value_of(ctx, policy)
    if policy.header then
        return headers.value(ctx, policy.header:lower())
    elseif policy.cookie then
        local conf = policy.cookie
        return cookie(ctx, type(conf) == "table" and conf or { name = conf, ttl = policy.ttl, path = policy.path })
    elseif policy.query then
        local _, query = variables.path_of(ctx)
        return path.query_parameter(query, policy.query)
    elseif policy.source_ip then
        -- not what a real-ip header claims
        return ngx.var.realip_remote_addr or ngx.var.remote_addr
    end
end


-- nil when no policy finds anything: the balancer then chooses by chance.
function _M.key(ctx, policies)
    local found
    for _, policy in ipairs(policies) do
        local value = value_of(ctx, policy)
        if value then
            found = found and found .. "\0" .. value or value
        end
        if found and policy.terminal then
            break
        end
    end

    return found
end


return _M
