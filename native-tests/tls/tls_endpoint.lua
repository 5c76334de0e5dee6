-- An endpoint that tells what it saw, and counts its requests by address.
local json = require("cjson.safe")
local ngx = ngx

local _M = {}

function _M.answer()
    local var = ngx.var
    local address = var.server_addr .. ":" .. var.server_port
    ngx.shared.tests:incr("requests " .. address, 1, 0)
    -- an issuer of tokens
    if var.uri == "/keys" then
        ngx.shared.tests:set("keys peer", var.ssl_client_s_dn or "")
        ngx.shared.tests:set("keys sni", var.ssl_server_name or "")
        return ngx.print(ngx.shared.tests:get("keys"))
    end
    local status = tonumber(var.http_x_answer_status)
    if status then
        ngx.status = status
    end
    ngx.header["x-from-backend"] = "yes"
    ngx.req.read_body()
    local report = json.encode({
        address = address,
        sni = var.ssl_server_name,
        peer = var.ssl_client_s_dn,
        alpn = var.ssl_alpn_protocol,
        protocol = var.ssl_protocol,
        connection = var.connection,
        client = var.remote_addr,
        host = var.http_host,
        version = var.server_protocol,
        method = ngx.req.get_method(),
        path = var.request_uri,
        body = ngx.req.get_body_data(),
        headers = ngx.req.get_headers(0),
    })
    ngx.shared.tests:set("last " .. address, report)
    ngx.print(report)
end


-- What the endpoint said about its last request, also where nobody heard it; nil when it has had none since the last
-- time that it was asked.
function _M.last(address)
    local report = ngx.shared.tests:get("last " .. address)
    ngx.shared.tests:delete("last " .. address)
    return report and json.decode(report)
end

function _M.count(address)
    return ngx.shared.tests:get("requests " .. address) or 0
end

return _M
