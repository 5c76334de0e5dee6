-- Path and host rewrites towards the upstream.
local headers = require("apisix.amesh.headers")
local authority = require("apisix.amesh.authority")
local variables = require("apisix.amesh.variables")

local concat = table.concat
local re_match = ngx.re.match
local gsub = string.gsub
local lower = string.lower
local sub = string.sub
local tonumber = tonumber
local type = type

local _M = {}


-- Envoy writes captures as \1 and a backslash as two.
local function expanded(substitution, captures)
    return (gsub(substitution, "\\(.)", function(c)
        local number = tonumber(c)
        return number and (captures[number] or "") or c
    end))
end


-- All matches replaced as RE2 does it: no empty match right behind another match.
local function by_regex(text, regex, substitution)
    local parts, position, last = {}, { pos = 1 }, 1
    while position.pos <= #text + 1 do
        local captures = re_match(text, regex, "jo", position)
        if not captures then
            break
        end

        local length = #captures[0]
        local from = position.pos - length
        if length > 0 or from ~= last or from == 1 then
            parts[#parts + 1] = sub(text, last, from - 1)
            parts[#parts + 1] = expanded(substitution, captures)
            last = from + length
        end
        if length == 0 then
            position.pos = from + 1
        end
    end

    parts[#parts + 1] = sub(text, last)
    return concat(parts)
end


-- path without its query -> path
function _M.path(path, rewrite)
    if rewrite.path then
        return rewrite.path
    end

    if rewrite.regex then
        return by_regex(path, rewrite.regex, rewrite.substitution or "")
    end

    local prefix = rewrite.prefix
    local head = prefix and sub(path, 1, #prefix)
    if head and (head == prefix or lower(head) == lower(prefix)) then
        return rewrite.to .. sub(path, #prefix + 1)
    end

    return path
end


-- What the upstream is asked for: Envoy's path, rewritten where the route says so, and the query as it came.
function _M.target(ctx, rewrite)
    local path, query = variables.path_of(ctx)
    local new_path = rewrite and _M.path(path, rewrite) or path
    if query then
        new_path = new_path .. "?" .. query
    end

    if rewrite then
        headers.set(ctx, "x-envoy-original-path", query and path .. "?" .. query or path)
    end
    return new_path
end


-- The Host that the upstream sees; nil to leave it as it is. A host that follows the endpoint is set when it is known.
-- {literal} | {header} | {path_regex, substitution} | {auto}; of a weighted cluster, a literal alone.
function _M.host(ctx, rewrite)
    if type(rewrite) == "string" then
        return rewrite
    end

    if rewrite.literal then
        return rewrite.literal
    end

    if rewrite.header then
        local value = headers.value(ctx, lower(rewrite.header))
        return value ~= "" and value or nil
    end

    if rewrite.path_regex then
        return by_regex((variables.path_of(ctx)), rewrite.path_regex, rewrite.substitution or "")
    end

    return nil
end


-- Host as Envoy would send it without any rewrite, when that differs from the request's header.
function _M.absolute_host(ctx)
    authority.of(ctx)
    return ctx.amesh_absolute_host
end


return _M
