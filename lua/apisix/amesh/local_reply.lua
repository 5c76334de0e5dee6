-- Answers that the proxy makes itself, in Envoy's form: plain text, or, for a gRPC request, status 200 and the gRPC
-- status in headers.
local headers = require("apisix.amesh.headers")

local ngx = ngx
local req = ngx.req
local gsub = string.gsub
local format = string.format
local byte = string.byte

local _M = {}

local GRPC_STATUS = {
    [400] = 13, [401] = 16, [403] = 7, [404] = 12, [429] = 14, [502] = 14, [503] = 14, [504] = 14,
}
local GRPC_UNKNOWN = 2
-- nginx's own status for "no answer"
local CLOSE = 444


local function percent_encoded(message)
    return (gsub(message, "[^ -$&-~]", function(c)
        return format("%%%02X", byte(c))
    end))
end


-- Sets status and headers of the answer; returns the body to send. grpc_status: when it does not follow from status.
-- content_type: when it is not plain text.
function _M.shape(ctx, status, body, grpc_status, content_type)
    local header = ngx.header
    body = body or ""

    if headers.is_grpc(ctx) then
        ngx.status = 200
        header["Content-Type"] = "application/grpc"
        header["grpc-status"] = grpc_status or GRPC_STATUS[status] or GRPC_UNKNOWN
        if body ~= "" then
            header["grpc-message"] = percent_encoded(body)
        end
        body = ""
    else
        ngx.status = status
        header["Content-Type"] = body ~= "" and (content_type or "text/plain") or nil
    end

    header["Content-Length"] = #body
    return body
end


-- Ends the request in the rewrite or access phase. Does not return.
function _M.send(ctx, status, body, grpc_status, content_type)
    local state = ctx.amesh
    if state then
        state.replied = true
    end

    -- a TCP proxy has no words of its own: it closes the connection
    if state and state.conf and state.conf.tcp then
        return ngx.exit(CLOSE)
    end

    req.discard_body()
    body = _M.shape(ctx, status, body, grpc_status, content_type)
    -- headers go out here, so that no error_page of the location takes the answer's place
    ngx.send_headers()
    if body ~= "" and req.get_method() ~= "HEAD" then
        ngx.print(body)
    end

    return ngx.exit(ngx.HTTP_OK)
end


return _M
