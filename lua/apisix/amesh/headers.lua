-- Request headers as Envoy sees them: every value of a name, joined with ",".
local get_headers = ngx.req.get_headers
local concat = table.concat
local rawget = rawget
local type = type

local _M = {}


local function raw(ctx, name)
    local all = ctx.amesh_headers
    if not all then
        all = get_headers(0)
        ctx.amesh_headers = all
    end

    -- "x_a" is not "x-a", as the table itself would have it
    return rawget(all, name)
end


-- name: in lower case. nil when the header is absent.
function _M.value(ctx, name)
    local value = raw(ctx, name)
    if type(value) == "table" then
        return concat(value, ",")
    end
    if value == true then
        return ""
    end

    return value
end


-- Each of the header's values by itself.
function _M.values(ctx, name)
    local value = raw(ctx, name)
    if value == nil then
        return {}
    end
    return type(value) == "table" and value or { value == true and "" or value }
end


-- To be called after a request header was changed.
function _M.forget(ctx)
    ctx.amesh_headers = nil
end


function _M.is_grpc(ctx)
    local content_type = _M.value(ctx, "content-type")
    return content_type ~= nil
           and (content_type == "application/grpc" or content_type:find("^application/grpc[;+]") ~= nil)
end


return _M
