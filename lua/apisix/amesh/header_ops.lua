-- Header mutations in order of application: {op, name, value}.
local headers = require("apisix.amesh.headers")

local ngx = ngx
local get_headers = ngx.req.get_headers
local set_header = ngx.req.set_header
local clear_header = ngx.req.clear_header
local ipairs = ipairs
local lower = string.lower
local type = type

local _M = {}

local AUTHORITY = { host = true, [":authority"] = true }


local function extended(old, value)
    if old == nil or old == "" then
        return old == "" and { "", value } or value
    end

    if type(old) ~= "table" then
        return { old, value }
    end

    local all = {}
    for index, one in ipairs(old) do
        all[index] = one
    end
    all[#all + 1] = value
    return all
end


-- The new content of a header whose content is `old`; nil to leave it, false to remove it.
local function result(op, old, value)
    if op == "remove" then
        return false
    elseif op == "set" then
        return value
    elseif op == "append" then
        return extended(old, value)
    elseif op == "add_if_absent" then
        return old == nil and value or nil
    elseif op == "overwrite_if_exists" then
        return old ~= nil and value or nil
    end

    return nil
end


function _M.request(ctx, operations)
    for _, operation in ipairs(operations) do
        local name = lower(operation.name)
        if AUTHORITY[name] then
            if operation.op ~= "remove" and operation.op ~= "add_if_absent" then
                ctx.var.upstream_host = operation.value
            end
        else
            local content = result(operation.op, get_headers(0)[name], operation.value)
            if content == false then
                clear_header(name)
            elseif content ~= nil then
                set_header(name, content)
            end
        end
    end

    headers.forget(ctx)
end


function _M.response(operations)
    local header = ngx.header
    for _, operation in ipairs(operations) do
        local content = result(operation.op, header[operation.name], operation.value)
        if content == false then
            header[operation.name] = nil
        elseif content ~= nil then
            header[operation.name] = content
        end
    end
end


return _M
