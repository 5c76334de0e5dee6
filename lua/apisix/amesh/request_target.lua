-- The path and query that nginx's gRPC module sends on. It knows two: the request's own as it came, and one made of
-- the decoded path, in which an encoded slash has become a real one: an endpoint would see another path than the routes
-- have matched. So what is to be sent is put in the place of what came. Where that place is not known, paths are
-- decoded, and those that would not be the same any more are refused.
local request_fields = require("apisix.amesh.request_fields")

local byte = string.byte
local find = string.find
local format = string.format
local gsub = string.gsub
local lower = string.lower
local ngx_var = ngx.var
local req = ngx.req
local sub = string.sub
local unescape_uri = ngx.unescape_uri

local _M = {}

local SLASH = byte("/")


-- As nginx encodes a decoded path.
local function encoded(path)
    return (gsub(path, "[%z\1-\32\"#%%?\127-\255]", function(character)
        return format("%%%02X", byte(character))
    end))
end


-- False when the path would not be the same any more.
local function set_decoded(target)
    local mark = find(target, "?", 1, true)
    local path = sub(target, 1, (mark or 0) - 1)
    local plain = unescape_uri(gsub(path, "%+", "%%2B"))
    if find(path, "%", 1, true) and lower(encoded(plain)) ~= lower(path) then
        return false
    end

    req.set_uri(plain, false)
    req.set_uri_args(mark and sub(target, mark + 1) or "")
    return true
end


-- target: path and query to send. False when nginx cannot send it.
function _M.set(ctx, target)
    local came = ngx_var.request_uri
    if target == came then
        return true
    end

    -- nginx has no path as it came where there was none, in "http://host?query"
    local text = byte(came) == SLASH and request_fields.target()
    if not text then
        return set_decoded(target)
    end

    ctx.amesh.request_target = { sent = target, data = text.data, len = text.len }
    text.data, text.len = target, #target
    return true
end


-- Log phase: the text is Lua's, and goes with the request's context.
function _M.restore(ctx)
    local saved = ctx.amesh.request_target
    if saved then
        local text = request_fields.target()
        text.data, text.len = saved.data, saved.len
    end
end


return _M
