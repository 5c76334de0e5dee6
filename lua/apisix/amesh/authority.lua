-- What the request calls its target: `Host`, or the authority of an absolute request target, which outranks it.
local ngx_var = ngx.var
local byte = string.byte
local find = string.find
local lower = string.lower
local match = string.match
local sub = string.sub
local tonumber = tonumber

local _M = {}

local BRACKET = byte("[")


-- Host without ":port"; an IPv6 address keeps its brackets.
function _M.without_port(host)
    local colon
    if byte(host, 1) == BRACKET then
        local close = find(host, "]", 1, true)
        colon = close and byte(host, close + 1) == 58 and close + 1
    else
        colon = find(host, ":", 1, true)
        if colon and find(host, ":", colon + 1, true) then
            colon = nil     -- a bare IPv6 address
        end
    end

    return colon and sub(host, 1, colon - 1) or host
end


function _M.port(host)
    local bare = _M.without_port(host)
    return #bare < #host and tonumber(sub(host, #bare + 2)) or nil
end


local function of_request_line()
    return match(ngx_var.request or "", "^%S+ %w+://([^/?# ]+)")
end


function _M.of(ctx)
    local known = ctx.amesh_authority
    if known then
        return known
    end

    known = ngx_var.http_host or ""
    -- nginx takes $host from an absolute target: only then does it differ from the header
    if ngx_var.host ~= lower(_M.without_port(known)) then
        local absolute = of_request_line()
        ctx.amesh_absolute_host = absolute ~= known and absolute or nil
        known = absolute or known
    end

    ctx.amesh_authority = known
    return known
end


return _M
