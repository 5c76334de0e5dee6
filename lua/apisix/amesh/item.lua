-- One object of a kind: `key`, `modifiedIndex`, and `value`, which is decoded, checked and filtered at first use.
--
-- An unused item costs a small table and its JSON text, or its id alone where the text is read from the zone at first
-- use. The first look at any other field turns it into a plain table, as APISIX's own providers make them. An item
-- that turns out to be invalid gives way to the last good one of the same key, or, where there is none, to a disabled
-- stand-in that no router serves.
local json = require("apisix.core.json")
local log = require("apisix.core.log")
local check_schema = require("apisix.core.schema").check
local config_util = require("apisix.core.config_util")
local live = require("apisix.amesh.live")

local getmetatable = getmetatable
local setmetatable = setmetatable
local rawget = rawget
local rawset = rawset
local pairs = pairs
local pcall = pcall
local type = type


local _M = {}

-- APISIX before 3.10 hangs health checkers on items and expects this list on each
local needs_clean_handlers = config_util.add_clean_handler ~= nil


local function decode(kind, id, item)
    local text = rawget(item, "json")
    if not text then
        return nil, "it is gone"
    end

    local value, err = json.decode(text)
    if value == nil then
        return nil, "not JSON: " .. (err or "empty")
    end

    if not kind.single_item and type(value) ~= "table" then
        return nil, "it should be an object"
    end

    if kind.item_schema then
        -- APISIX before 3.13 knows no names of stream routes
        local known = kind.item_schema.properties
        if known and not known.name and kind.item_schema.additionalProperties == false then
            value.name = nil
        end

        local ok, invalid = check_schema(kind.item_schema, value)
        if not ok then
            return nil, invalid
        end
    end

    if kind.checker then
        local ok, invalid = kind.checker(value, item.key)
        if not ok then
            return nil, invalid
        end
    end

    if not kind.single_item then
        value.id = id
    end

    return value
end


local function adopt(item, good)
    for field, content in pairs(good) do
        rawset(item, field, content)
    end
end


-- The last good item before this one; an undecoded one has to show first that it is.
local function last_good(item)
    local previous = rawget(item, "previous")
    if not previous then
        return nil
    end

    local _ = previous.value
    return not rawget(previous, "invalid") and previous or nil
end


local function refuse(kind, id, item, err)
    local previous = last_good(item)
    log.error("failed to check the conf of [", item.key, "], ",
              previous and "keep the previous one" or "leave it out", ", err: ", err)

    rawset(item, "json", nil)
    rawset(item, "previous", nil)
    if previous then
        adopt(item, previous)
    else
        rawset(item, "value", { id = id, status = 0 })
        rawset(item, "invalid", true)
    end

    kind:replace_invalid(id, item, previous, err)
end


local function materialise(kind, id, item)
    setmetatable(item, nil)
    rawset(item, "key", kind:key_of(id))
    rawset(item, "id", nil)
    if not rawget(item, "json") then
        local text, modified_index = live.read(item.key)
        rawset(item, "json", text)
        rawset(item, "modifiedIndex", modified_index or 0)
    end
    if item.json then
        kind:forget_text(id, item.json)
    end

    local ok, value, err = pcall(decode, kind, id, item)
    if not ok then
        value, err = nil, value
    end

    if value == nil then
        return refuse(kind, id, item, err)
    end

    rawset(item, "value", value)
    if needs_clean_handlers then
        rawset(item, "clean_handlers", {})
    end

    if kind.filter then
        local filtered, filter_err = pcall(kind.filter, item)
        if not filtered then
            return refuse(kind, id, item, filter_err)
        end
    end

    if kind.decoded then
        kind.decoded(value)
    end
    rawset(item, "json", nil)
    rawset(item, "previous", nil)
end


-- Items of one kind share a metatable; `kind` is a provider object of config_xds.
function _M.metatable(kind)
    return {
        __index = function(item, field)
            -- a field that may be there or not says nothing about the object
            if field == "json" or field == "previous" or field == "invalid" or field == "id" then
                return nil
            end

            materialise(kind, rawget(item, "id"), item)
            return rawget(item, field)
        end,
    }
end


-- Items that were replaced without ever being used are kept back to here, in case that the newer ones are bad.
local MAX_PREVIOUS = 3

local function forget_oldest(item)
    local last = item
    for _ = 2, MAX_PREVIOUS do
        last = last and rawget(last, "previous")
    end
    if last then
        rawset(last, "previous", nil)
    end
end


-- previous: the item that this one takes the place of, if any. The key is made of the id when the item is used.
function _M.new(item_mt, id, json_text, modified_index, previous)
    if previous then
        forget_oldest(previous)
    end

    return setmetatable({
        id = id,
        modifiedIndex = modified_index,
        json = json_text,
        previous = previous,
    }, item_mt)
end


-- An item whose text is read when it is used.
function _M.waiting(item_mt, id)
    return setmetatable({ id = id }, item_mt)
end


-- Text of an item that nobody has used yet.
function _M.text(item)
    return rawget(item, "json")
end


function _M.is_decoded(item)
    return rawget(item, "value") ~= nil
end


-- The item is no longer in use. APISIX before 3.10 hangs clean handlers on items; undecoded ones have none.
function _M.clean(item)
    if item and _M.is_decoded(item) and config_util.fire_all_clean_handlers then
        config_util.fire_all_clean_handlers(item)
    end
end


-- Whether this is an item that nobody has used yet; anything else in such a place is not one of ours.
function _M.is_unused(item)
    return getmetatable(item) ~= nil and rawget(item, "id") ~= nil and rawget(item, "value") == nil
end


-- Decodes the item if that has not been done.
function _M.touch(item)
    return item.value
end


return _M
