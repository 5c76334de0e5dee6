-- Where in a request the tokens of some providers are looked for, and how one is taken out of it. A location is good
-- for the issuers of the providers that named it: a token of another issuer is not looked at there.
local headers = require("apisix.amesh.headers")
local variables = require("apisix.amesh.variables")

local char = string.char
local concat = table.concat
local find = string.find
local gmatch = string.gmatch
local gsub = string.gsub
local ipairs = ipairs
local lower = string.lower
local match = string.match
local sort = table.sort
local sub = string.sub
local tonumber = tonumber

local _M = {}

local ANY_ISSUER = ""
local DEFAULT_HEADERS = { { name = "authorization", value_prefix = "Bearer " } }
local DEFAULT_PARAMS = { "access_token" }
local NONE = {}


local function percent_decoded(text)
    return (gsub(text, "%%(%x%x)", function(hex)
        return char(tonumber(hex, 16))
    end))
end


-- The places of one kind, each once, in the order of their keys.
local function new_places()
    return { by_key = {} }
end


local function add_place(places, key, issuer, place)
    local known = places.by_key[key]
    if not known then
        known = place
        known.key, known.issuers = key, {}
        places.by_key[key] = known
        places[#places + 1] = known
    end
    known.issuers[issuer or ANY_ISSUER] = true
end


local function by_key(one, other)
    return one.key < other.key
end


-- Where the tokens of these providers are.
function _M.of(providers)
    local of_headers, of_params, of_cookies, written = new_places(), new_places(), new_places(), {}
    for _, provider in ipairs(providers) do
        local from_headers, from_params = provider.from_headers, provider.from_params
        if not from_headers and not from_params and not provider.from_cookies then
            from_headers, from_params = DEFAULT_HEADERS, DEFAULT_PARAMS
        end

        for _, header in ipairs(from_headers or NONE) do
            local name, prefix = lower(header.name), header.value_prefix or ""
            add_place(of_headers, name .. prefix, provider.issuer, { header = name, prefix = prefix })
        end
        for _, param in ipairs(from_params or NONE) do
            add_place(of_params, param, provider.issuer, { param = param })
        end
        for _, cookie in ipairs(provider.from_cookies or NONE) do
            add_place(of_cookies, cookie, provider.issuer, { cookie = cookie })
        end

        written[#written + 1] = provider.forward_payload_header
        for _, claim in ipairs(provider.claim_to_headers or NONE) do
            written[#written + 1] = claim.header
        end
    end

    sort(of_headers, by_key)
    sort(of_params, by_key)
    sort(of_cookies, by_key)
    return { headers = of_headers, params = of_params, cookies = of_cookies, written = written }
end


-- Headers that tell of a good token are nobody else's to write.
function _M.sanitize(ctx, locations)
    for _, name in ipairs(locations.written) do
        headers.clear(ctx, name)
    end
end


-- What comes after the prefix, wherever that is, from the first character on that a token may have.
local function after_prefix(value, prefix)
    if prefix == "" then
        return value
    end

    local _, stop = find(value, prefix, 1, true)
    if not stop then
        return nil
    end
    local from = find(value, "[%w%-_.]", stop + 1)
    return from and sub(value, from) or value
end


local function add_of_headers(ctx, tokens, places)
    for _, place in ipairs(places) do
        local values = headers.values(ctx, place.header)
        for _, value in ipairs(values) do
            local text = after_prefix(value, place.prefix)
            if text then
                tokens[#tokens + 1] = { text = text, place = place }
            end
        end
    end
end


local function add_of_params(ctx, tokens, places)
    local _, query = variables.path_of(ctx)
    if not places[1] or not query then
        return
    end

    local first = {}
    for pair in gmatch(query, "[^&]+") do
        local name, value = match(pair, "^([^=]*)=?(.*)$")
        name = percent_decoded(name)
        first[name] = first[name] or percent_decoded(value)
    end
    for _, place in ipairs(places) do
        if first[place.param] then
            tokens[#tokens + 1] = { text = first[place.param], place = place }
        end
    end
end


local function unquoted(value)
    return match(value, '^"(.*)"$') or value
end


local function add_of_cookies(ctx, tokens, places)
    if not places[1] then
        return
    end

    local first = {}
    for _, header in ipairs(headers.values(ctx, "cookie")) do
        for pair in gmatch(header, "[^;]+") do
            local name, value = match(pair, "^%s*([^=]-)=%s*(.-)%s*$")
            if name and first[name] == nil then
                first[name] = unquoted(value)
            end
        end
    end
    for _, place in ipairs(places) do
        if first[place.cookie] then
            tokens[#tokens + 1] = { text = first[place.cookie], place = place }
        end
    end
end


-- All tokens of a request: [{ text, place }]. Envoy checks them from the last to the first.
function _M.extract(ctx, locations)
    local tokens = {}
    add_of_headers(ctx, tokens, locations.headers)
    add_of_params(ctx, tokens, locations.params)
    add_of_cookies(ctx, tokens, locations.cookies)
    return tokens
end


function _M.is_issuer_allowed(token, issuer)
    local issuers = token.place.issuers
    return issuers[ANY_ISSUER] or issuers[issuer or ANY_ISSUER] or false
end


-- Every parameter of this name goes; the others stay as they are written.
local function remove_param(ctx, name)
    local path, query = variables.path_of(ctx)
    if not query then
        return
    end

    local left = {}
    for pair in gmatch(query, "[^&]+") do
        if percent_decoded(match(pair, "^[^=]*")) ~= name then
            left[#left + 1] = pair
        end
    end
    variables.set_path(ctx, path, left[1] and concat(left, "&") or nil)
end


-- Takes a token out of the request; one in a cookie stays, as in Envoy.
function _M.remove(ctx, token)
    local place = token.place
    if place.header then
        headers.clear(ctx, place.header)
    elseif place.param then
        remove_param(ctx, place.param)
    end
end


return _M
