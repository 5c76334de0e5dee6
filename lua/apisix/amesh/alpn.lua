-- Application protocols of TLS (RFC 7301): lists of names and their form on the wire.
local ffi = require("ffi")
local openssl = require("apisix.amesh.openssl")

ffi.cdef[[
int ngx_http_lua_ssl_cert_handler(void *ssl, void *data);
]]

local C = openssl.C
local ngx = ngx
local byte = string.byte
local char = string.char
local concat = table.concat
local ipairs = ipairs
local pcall = pcall
local require = require
local sub = string.sub

local _M = {}

local without_alpn    -- SSL_CTX that chooses no protocol


-- Names in the extension of a client's first message; nil when there is none.
function _M.parse(extension)
    if not extension or #extension < 3 then
        return nil
    end

    local names, at = {}, 3
    while at <= #extension do
        local length = byte(extension, at)
        if length == 0 or at + length > #extension then
            break
        end
        names[#names + 1] = sub(extension, at + 1, at + length)
        at = at + 1 + length
    end
    return names
end


function _M.wire(names)
    local parts = {}
    for _, name in ipairs(names) do
        parts[#parts + 1] = char(#name) .. name
    end
    return concat(parts)
end


local function has(names, name)
    for _, one in ipairs(names) do
        if one == name then
            return true
        end
    end
    return false
end


local function silent_context()
    if without_alpn == nil then
        without_alpn = false
        local ok, handler = pcall(function()
            return C.ngx_http_lua_ssl_cert_handler
        end)
        if ok then
            local context = C.amesh_SSL_CTX_new(C.amesh_TLS_method())
            C.amesh_SSL_CTX_set_cert_cb(context, ffi.cast("void *", handler), nil)
            without_alpn = context
        end
    end
    return without_alpn
end


-- Should nginx choose no protocol? It chooses h2 or http/1.1 by itself, and breaks off where a client offers neither.
-- Envoy then goes on without a protocol, and it chooses none that the chain does not have.
function _M.is_to_be_silent(ours, offered)
    if has(offered, "h2") then
        return ours ~= nil and not has(ours, "h2")
    end
    return not (has(offered, "http/1.1") or has(offered, "http/1.0") or has(offered, "http/0.9"))
end


-- ours: the chain's list, or nil; offered: the client's, or nil. In a client's first message.
function _M.restrict(ssl, ours, offered)
    if offered and ngx.config.subsystem == "stream" then
        return require("apisix.amesh.stream.alpn_choice").choose(ssl, ours, offered)
    end

    local context = offered and _M.is_to_be_silent(ours, offered) and silent_context()
    if context then
        C.amesh_SSL_set_SSL_CTX(ssl, context)
    end
end


return _M
