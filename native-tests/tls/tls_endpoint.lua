-- An endpoint that tells what it saw, and counts its requests by address.
local json = require("cjson.safe")
local ngx = ngx

local _M = {}

function _M.answer()
    local var = ngx.var
    local address = var.server_addr .. ":" .. var.server_port
    ngx.shared.tests:incr("requests " .. address, 1, 0)
    local status = tonumber(var.http_x_answer_status)
    if status then
        ngx.status = status
    end
    ngx.header["x-from-backend"] = "yes"
    ngx.print(json.encode({
        address = address,
        sni = var.ssl_server_name,
        peer = var.ssl_client_s_dn,
        alpn = var.ssl_alpn_protocol,
        protocol = var.ssl_protocol,
        connection = var.connection,
        client = var.remote_addr,
        host = var.http_host,
        version = var.server_protocol,
        headers = ngx.req.get_headers(0),
    }))
end

function _M.count(address)
    return ngx.shared.tests:get("requests " .. address) or 0
end

return _M
