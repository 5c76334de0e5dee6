-- What of a request's body an authorization service is shown.
local headers = require("apisix.amesh.headers")
local request_body = require("apisix.amesh.request_body")

local req = ngx.req
local io_open = io.open
local sub = string.sub
local tonumber = tonumber

local _M = {}

_M.TOO_LONG = "too long"


local function of_file(name, most)
    local file = io_open(name, "rb")
    if not file then
        return nil
    end

    local text = file:read(most) or ""
    local size = file:seek("end")
    file:close()
    return text, size > most
end


-- conf: { most = bytes, partial = true|nil }. The body's beginning and whether something is missing of it; nil where
-- there is none to show; nil and why where it cannot be had.
function _M.read(ctx, conf)
    local length = headers.value(ctx, "content-length")
    if not conf or length == "0" or headers.value(ctx, "upgrade") then
        return nil
    end
    if not conf.partial and (tonumber(length) or 0) > conf.most then
        return nil, _M.TOO_LONG
    end
    if not request_body.read() then
        return nil, "its length is not known ahead"
    end

    local whole, name = req.get_body_data(), req.get_body_file()
    if not whole and not name then
        return nil
    end

    local text, is_cut
    if whole then
        text, is_cut = sub(whole, 1, conf.most), #whole > conf.most
    else
        text, is_cut = of_file(name, conf.most)
    end
    if not text then
        return nil, "it cannot be read again"
    end

    if is_cut and not conf.partial then
        return nil, _M.TOO_LONG
    end
    return text, is_cut
end


return _M
