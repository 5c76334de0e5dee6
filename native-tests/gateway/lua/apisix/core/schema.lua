-- A double of apisix.core.schema that checks no JSON schema: it knows `type`, `required` and the defaults of
-- properties. The kinds' schemas stand for APISIX's.
local _M = {
    route = { type = "object", required = { "id" } },
    upstream = {
        type = "object",
        required = { "id" },
        defaults = { type = "roundrobin", scheme = "http", pass_host = "pass" },
    },
}

function _M.check(schema, value)
    if schema.type == "object" and type(value) ~= "table" then
        return false, "wrong type: expected object, got " .. type(value)
    end

    for _, name in ipairs(schema.required or {}) do
        if value[name] == nil then
            return false, 'property "' .. name .. '" is required'
        end
    end

    for name, default in pairs(schema.defaults or {}) do
        if value[name] == nil then
            value[name] = default
        end
    end

    return true
end

return _M
