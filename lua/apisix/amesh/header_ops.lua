-- Header mutations in order of application: {op, name, value}, with `format` where the value has command operators.
local header_format = require("apisix.amesh.header_format")
local headers = require("apisix.amesh.headers")

local ngx = ngx
local ipairs = ipairs
local lower = string.lower
local type = type

local _M = {}

-- in place of a value: there is none to write
local NOTHING = {}
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


-- All values are made before the first header is changed, as Envoy does for each level.
local function values_of(ctx, operations)
    local values
    for index, operation in ipairs(operations) do
        if operation.format then
            values = values or {}
            local value = header_format.value(ctx, operation)
            values[index] = (value ~= "" or operation.keep_empty) and value or NOTHING
        end
    end
    return values
end


function _M.request(ctx, operations)
    local values = values_of(ctx, operations)
    for index, operation in ipairs(operations) do
        local name = lower(operation.name)
        local value = values and values[index] or operation.value
        if AUTHORITY[name] then
            if value ~= NOTHING and operation.op ~= "remove" and operation.op ~= "add_if_absent" then
                ctx.var.upstream_host = value
            end
        elseif value ~= NOTHING then
            local content = result(operation.op, headers.raw(ctx, name), value)
            if content == false then
                headers.clear(ctx, name)
            elseif content ~= nil then
                -- an empty text would take the header away; a space says the same to whoever reads it
                headers.set(ctx, name, content == "" and " " or content)
            end
        end
    end
end


function _M.response(ctx, operations)
    local header = ngx.header
    local values = values_of(ctx, operations)
    for index, operation in ipairs(operations) do
        local value = values and values[index] or operation.value
        local content
        if value ~= NOTHING then
            content = result(operation.op, header[operation.name], value)
        end
        if content == false then
            header[operation.name] = nil
        elseif content ~= nil then
            header[operation.name] = content
        end
    end
end


return _M
