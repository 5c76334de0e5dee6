-- Request headers as Envoy sees them: every value of a name, joined with ",". They are read once for a request; what is
-- changed by the functions here is changed in what was read, too.
local get_headers = ngx.req.get_headers
local clear_header = ngx.req.clear_header
local set_header = ngx.req.set_header
local concat = table.concat
local rawget = rawget
local tostring = tostring
local type = type

local _M = {}


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


-- name: in lower case. content: a text, a number, or a list of texts.
function _M.set(ctx, name, content)
    set_header(name, content)
    local all = ctx.amesh_headers
    if all then
        all[name] = type(content) == "number" and tostring(content) or content
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
end


function _M.is_grpc(ctx)
    local content_type = _M.value(ctx, "content-type")
    return content_type ~= nil
           and (content_type == "application/grpc" or content_type:find("^application/grpc[;+]") ~= nil)
end


return _M
