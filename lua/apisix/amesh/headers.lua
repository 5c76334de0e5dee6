-- Request headers as Envoy sees them: every value of a name, joined with ",". They are read once for a request; what is
-- changed by the functions here is changed in what was read, too.
local get_headers = ngx.req.get_headers
local clear_header = ngx.req.clear_header
local set_header = ngx.req.set_header
local byte = string.byte
local concat = table.concat
local pairs = pairs
local rawget = rawget
local sub = string.sub
local tostring = tostring
local type = type

local _M = {}

local ENVOYS = "x-envoy-"
local X = byte("x")


local function all_of(ctx)
    local all = ctx.amesh_headers
    if not all then
        all = get_headers(0)
        ctx.amesh_headers = all
    end
    return all
end


-- What stands under a name, in lower case: a text, a list of texts, or nil. Not to be changed.
function _M.raw(ctx, name)
    -- "x_a" is not "x-a", as the table itself would have it
    local value = rawget(all_of(ctx), name)
    return value == true and "" or value
end


-- The same as one text.
function _M.value(ctx, name)
    local value = _M.raw(ctx, name)
    return type(value) == "table" and concat(value, ",") or value
end


-- Each of the header's values by itself.
function _M.values(ctx, name)
    local value = _M.raw(ctx, name)
    return type(value) == "table" and value or { value }
end


local function begins_as_envoys(name)
    return byte(name, 1) == X and sub(name, 1, #ENVOYS) == ENVOYS
end


-- Whether there may be a header whose name begins with "x-envoy-": most requests have none, and need not be asked for
-- each of them.
function _M.has_envoys(ctx)
    local known = ctx.amesh_envoys
    if known == nil then
        known = false
        for name in pairs(all_of(ctx)) do
            known = known or begins_as_envoys(name)
        end
        ctx.amesh_envoys = known
    end
    return known
end


-- name: in lower case. content: a text, a number, or a list of texts.
function _M.set(ctx, name, content)
    set_header(name, content)
    local all = ctx.amesh_headers
    if all then
        all[name] = type(content) == "number" and tostring(content) or content
        if ctx.amesh_envoys == false and begins_as_envoys(name) then
            ctx.amesh_envoys = true
        end
    end
end


function _M.clear(ctx, name)
    clear_header(name)
    local all = ctx.amesh_headers
    if all then
        all[name] = nil
    end
end


-- To be called where somebody else may have changed them.
function _M.forget(ctx)
    ctx.amesh_headers = nil
    ctx.amesh_envoys = nil
end


function _M.is_grpc(ctx)
    local content_type = _M.value(ctx, "content-type")
    return content_type ~= nil
           and (content_type == "application/grpc" or content_type:find("^application/grpc[;+]") ~= nil)
end


return _M
