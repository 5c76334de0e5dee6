-- What nginx still has of a body that it has sent on while it came. Of HTTP/1 it reads such a body into one buffer
-- (client_body_buffer_size), and begins anew only when that is full; until then the body is there as it came, after
-- what came together with the head. Of HTTP/2 it begins anew with each piece.
local ffi = require("ffi")
local chunked = require("apisix.amesh.chunked")
local request_fields = require("apisix.amesh.request_fields")

local ngx_var = ngx.var
local tonumber = tonumber

local _M = {}


-- Before nginx begins to read: what finds the body later; nil when nothing will. is_whole: it is there already.
-- length: nil when it is not known.
function _M.begin(length)
    local buffer = request_fields.header_buffer()
    if not buffer or request_fields.is_being_read() then
        return nil
    end

    local size = tonumber(buffer.last - buffer.pos)
    local is_whole
    if length then
        is_whole = size >= length
    else
        is_whole = size > 0 and chunked.has_ended(ffi.string(buffer.pos, size))
    end
    return { start = buffer.pos, size = size, length = length, before = ngx_var.request_length, is_whole = is_whole }
end


-- The whole body; nil when it has not come yet, or is longer than nginx's buffer, or than the limit.
function _M.whole(kept, limit)
    local ended, buffer = request_fields.body_buffer()
    if not ended then
        return nil
    end

    local came = ngx_var.request_length - kept.before
    local size = buffer and tonumber(buffer.last - buffer.start) or 0
    if came ~= kept.size + size then
        return nil
    end

    local text = ffi.string(kept.start, kept.size) .. (buffer and ffi.string(buffer.start, size) or "")
    local body = kept.length and text or chunked.decoded(text)
    return body and #body <= limit and body or nil
end


return _M
