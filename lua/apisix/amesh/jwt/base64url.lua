-- Base64url as Envoy reads it: white space is passed over, and padding may be there if it is right.
local decode_base64 = ngx.decode_base64
local find = string.find
local gsub = string.gsub
local match = string.match
local rep = string.rep

local _M = {}

local STANDARD = { ["-"] = "+", ["_"] = "/" }


-- nil where the text is none.
function _M.decode(text)
    if find(text, "[^%w%-_]") then
        text = gsub(text, "%s", "")
        local bare, padding = match(text, "^([%w%-_]*)(=*)$")
        if not bare or (padding ~= "" and (#bare + #padding) % 4 ~= 0) or #padding > 2 then
            return nil
        end
        text = bare
    end

    local left = #text % 4
    if left == 1 then
        return nil
    end

    text = gsub(text, "[-_]", STANDARD)
    return decode_base64(left == 0 and text or text .. rep("=", 4 - left))
end


-- With the padding that its writer left out.
function _M.padded(text)
    local left = #text % 4
    return left == 0 and text or text .. rep("=", 4 - left)
end


return _M
