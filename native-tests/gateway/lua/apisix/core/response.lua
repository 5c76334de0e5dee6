-- A double of apisix.core.response.
local json = require("apisix.core.json")
local ngx = ngx

local _M = {}

function _M.exit(code, body)
    if not body then
        return ngx.exit(code)
    end

    ngx.status = code
    if type(body) == "table" then
        ngx.header["Content-Type"] = "application/json"
        body = json.encode(body) .. "\n"
    end
    ngx.print(body)
    return ngx.exit(code)
end

function _M.set_header(name, value)
    ngx.header[name] = value
end

return _M
