-- What stands for secrets where objects are shown: no key and no certificate, only the fingerprint of the latter, so
-- that a rotation can be seen. The library's own outputs say the same (src/Amesh.Apisix/Redaction.cs).
local has_sha256, sha256 = pcall(require, "resty.sha256")
local has_string, resty_string = pcall(require, "resty.string")

local decode_base64 = ngx.decode_base64
local gsub = string.gsub
local ipairs = ipairs
local match = string.match
local pairs = pairs
local type = type

local _M = {}

local KINDS = { ["/amesh_secrets"] = true, ["/ssls"] = true }
-- of the user's own, and secret in ways that their plugins alone know
local WHOLE = { ["/consumers"] = true, ["/secrets"] = true }
local CERTIFICATES = { certificate = true, cert = true, certs = true }
local HIDDEN = { certificate = true, key = true, ca = true, crl = true, cert = true, certs = true, keys = true,
                 jwks = true }


-- Of the first certificate, as `openssl x509 -fingerprint -sha256` tells it, without its colons.
local function fingerprint(pem)
    local text = has_sha256 and has_string
                 and match(pem, "%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-(.-)%-%-%-%-%-END CERTIFICATE%-%-%-%-%-")
    local der = text and decode_base64((gsub(text, "%s", "")))
    if not der then
        return nil
    end

    local hash = sha256:new()
    hash:update(der)
    return resty_string.to_hex(hash:final())
end


local function instead(name, value)
    local print = CERTIFICATES[name] and type(value) == "string" and fingerprint(value)
    return print and "redacted, SHA-256 " .. print or "redacted"
end


local function redact(value)
    if type(value) ~= "table" then
        return value
    end

    local shown = {}
    for name, member in pairs(value) do
        if not HIDDEN[name] then
            shown[name] = redact(member)
        elseif type(member) == "table" then
            local list = {}
            for i, item in ipairs(member) do
                list[i] = instead(name, item)
            end
            shown[name] = list
        else
            shown[name] = instead(name, member)
        end
    end
    return shown
end


-- An object of a kind ("/ssls") as it may be shown; one that could not be decoded is not shown at all.
function _M.object(kind, object, text)
    if WHOLE[kind] then
        return "redacted"
    end
    if not KINDS[kind] then
        return object or text
    end

    return object and redact(object) or "redacted"
end


return _M
