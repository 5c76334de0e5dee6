-- An endpoint for tests: reports what it saw, and does what the request's headers tell it to.
--   x-answer-status: 503          answer that; x-answer-only: ADDRESS:PORT only there
--   x-answer-after: 0.5           seconds before the answer
--   x-answer-reset: yes           close the connection without an answer
--   x-answer-flood: 64            so many MiB of body
local json = require("cjson.safe")

local ngx = ngx
local counters = ngx.shared.tests

local _M = {}

-- An issuer of keys: answers what a test has left for it, and counts.
function _M.keys()
    counters:incr("keys/asked" .. ngx.var.request_uri, 1, 0)
    counters:set("keys/host", ngx.var.http_host)
    counters:set("keys/path", ngx.var.request_uri)
    ngx.sleep(counters:get("keys/after") or 0)
    local text = (" "):rep(counters:get("keys/blanks") or 0) .. (counters:get("keys/text") or "")
    ngx.status = counters:get("keys/status") or 200
    ngx.header["content-length"] = #text
    ngx.print(text)
end

-- The message of a call, as it came.
function _M.echo()
    ngx.req.read_body()
    ngx.header["content-type"] = "application/grpc"
    ngx.print(ngx.req.get_body_data())
end

function _M.answer()
    local headers = ngx.req.get_headers(0)
    local me = ngx.var.server_addr .. ":" .. ngx.var.server_port
    local id = headers["x-case"]
    if id then
        counters:incr("reached/" .. id .. "/" .. me, 1, 0)
        counters:set("host/" .. id .. "/" .. me, ngx.var.http_host)
    end

    ngx.req.read_body()
    local here = not headers["x-answer-only"] or headers["x-answer-only"] == me
    if here and headers["x-answer-after"] then
        ngx.sleep(tonumber(headers["x-answer-after"]))
    end
    if here and headers["x-answer-reset"] then
        return ngx.exit(444)
    end
    if here and headers["x-answer-status"] then
        ngx.status = tonumber(headers["x-answer-status"])
    end

    if here and headers["x-answer-flood"] then
        local mebibyte = ("x"):rep(1048576)
        for _ = 1, tonumber(headers["x-answer-flood"]) do
            ngx.print(mebibyte)
            ngx.flush(true)
        end
        return
    end

    ngx.header["content-type"] = "application/json"
    ngx.header["x-from-backend"] = "yes"
    ngx.say(json.encode({
        served_by = me,
        method = ngx.req.get_method(),
        path = ngx.var.request_uri,
        host = ngx.var.http_host,
        headers = headers,
        body = ngx.req.get_body_data(),
    }))
end

return _M
