-- What a good token leaves in the request: headers with what it says, metadata for the filters behind, and itself only
-- where it is to be forwarded.
local cjson = require("cjson.safe")
local core = require("apisix.core")
local base64url = require("apisix.amesh.jwt.base64url")
local claims = require("apisix.amesh.jwt.claims")
local headers = require("apisix.amesh.headers")
local locations = require("apisix.amesh.jwt.locations")
local strict_json = require("apisix.amesh.jwt.strict_json")

local encode_base64 = ngx.encode_base64
local find = string.find
local floor = math.floor
local format = string.format
local gmatch = string.gmatch
local ipairs = ipairs
local pairs = pairs
local type = type
local unpack = unpack

local _M = {}

local TWO_TO_64 = 2 ^ 64


-- False where no header can hold it.
local function add_header(ctx, name, value)
    if find(value, "[%z\r\n]") then
        core.log.warn("header ", name, " is not written: it cannot hold what the token says")
        return false
    end

    local old = headers.raw(ctx, name)
    if old then
        local all = type(old) == "table" and { unpack(old) } or { old }
        all[#all + 1] = value
        value = all
    end
    headers.set(ctx, name, value)
    return true
end


local function written_number(value)
    if value >= 0 and value < TWO_TO_64 and value == floor(value) then
        return format("%.0f", value)
    end
    return format("%f", value)
end


local function written(value)
    if type(value) == "string" then
        return value
    elseif type(value) == "number" then
        return written_number(value)
    elseif type(value) == "boolean" then
        return value and "true" or "false"
    elseif type(value) == "table" then
        return encode_base64((cjson.encode(value):gsub("\\/", "/")))
    end
    return ""
end


local function add_claims(ctx, wanted, payload)
    local added = false
    for _, claim in ipairs(wanted) do
        local value = claims.value(payload, claim.claim)
        local text = value ~= nil and value ~= strict_json.null and written(value) or ""
        if text ~= "" and add_header(ctx, claim.header, text) then
            added = true
        end
    end
    return added
end


-- A claim that is a list written as one text becomes the list.
local function normalized(payload, names)
    local copy
    for _, name in ipairs(names or {}) do
        local text = payload[name]
        if type(text) == "string" then
            local list = {}
            for part in gmatch(text, "[^ ]+") do
                list[#list + 1] = part
            end
            if list[1] then
                if not copy then
                    copy = {}
                    for key, value in pairs(payload) do
                        copy[key] = value
                    end
                end
                copy[name] = list
            end
        end
    end
    return copy or payload
end


-- one: the token as it was read; found: where it was. metadata: what all tokens of the request leave, by name.
function _M.leave(ctx, conf, one, found, metadata)
    if conf.forward_payload_header then
        local section = one.payload_section
        add_header(ctx, conf.forward_payload_header,
                   conf.pad_forward_payload_header and base64url.padded(section) or section)
    end

    local added = conf.claim_to_headers and add_claims(ctx, conf.claim_to_headers, one.payload)
    if conf.clear_route_cache and (added or conf.payload_in_metadata) then
        ctx.amesh_route_cleared = true
    end
    if not conf.forward then
        locations.remove(ctx, found)
    end

    if conf.header_in_metadata then
        metadata[conf.header_in_metadata] = one.header
    end
    if conf.payload_in_metadata then
        metadata[conf.payload_in_metadata] = normalized(one.payload, conf.space_delimited_claims)
    end
end


-- What the filters behind may know of a bad token, or of none. of: the provider; nil where it is not known.
function _M.leave_fault(of, why, metadata)
    local conf = of and of.conf
    if conf and conf.failed_status_in_metadata then
        metadata[conf.failed_status_in_metadata] = { code = why.code, message = why.text }
    end
end


return _M
