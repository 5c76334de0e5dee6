-- Objects that are not of the mesh, from a file of the user's (plugin_attr.amesh.objects): what APISIX calls
-- apisix.yaml, with its names of kinds and its fields. They are put into the dictionary beside the mesh's when nginx
-- starts or reloads, under no commit, and the library leaves alone what it has not written. Only the master does so,
-- before it makes its processes; what a file no longer has is taken out.
local json = require("apisix.core.json")
local log = require("apisix.core.log")

local io_open = io.open
local gmatch = string.gmatch
local ipairs = ipairs
local next = next
local pairs = pairs
local pcall = pcall
local require = require
local prefix = ngx.config.prefix
local sort = table.sort
local tostring = tostring
local type = type
local str_sub = string.sub
local table_concat = table.concat

local _M = {}

-- the keys that were put there last, for the next time and for whoever cannot list a dictionary
_M.REGISTER = "amesh/keys/own"

local KINDS = {}
for _, kind in ipairs({ "routes", "services", "upstreams", "consumers", "consumer_groups", "global_rules",
                        "plugin_configs", "plugin_metadata", "protos", "secrets", "ssls", "stream_routes" }) do
    KINDS[kind] = true
end


-- ${{NAME}} and ${{NAME:=default}}, as APISIX reads them in its own files.
local function fill_in(text)
    local has_files, files = pcall(require, "apisix.cli.file")
    if has_files and files.resolve_conf_var_in_text then
        return files.resolve_conf_var_in_text(text)
    end
    return text, nil, has_files and files.resolve_conf_var
end


local function parse(text)
    local filled, err, fill_values = fill_in(text)
    if not filled then
        return nil, err
    end

    local has_lyaml, lyaml = pcall(require, "lyaml")
    local ok, content = pcall(has_lyaml and lyaml.load or require("tinyyaml").parse, filled)
    if not ok then
        return nil, tostring(content)
    end
    if type(content) ~= "table" then
        return nil, "there is nothing in it"
    end

    if fill_values then
        local filled_in, why = fill_values(content)
        if not filled_in then
            return nil, why
        end
    end
    return content
end


local function read(path)
    local file, err = io_open(str_sub(path, 1, 1) == "/" and path or prefix() .. path)
    if not file then
        return nil, err
    end

    local text = file:read("*a")
    file:close()
    local content, why = parse(text)
    return content, why and path .. ": " .. why
end


-- Key -> text of all that a file has; what cannot be told apart is left out with a line in the log.
local function texts_of(content)
    local texts = {}
    for kind, items in pairs(content) do
        if not KINDS[kind] or type(items) ~= "table" then
            log.error("objects of your own: no kind of objects is called ", kind)
            items = {}
        end
        for place, item in ipairs(items) do
            local id = type(item) == "table" and (item.id or item.username)
            local text = id and json.encode(item)
            if text then
                texts["/" .. kind .. "/" .. tostring(id)] = text
            else
                log.error("objects of your own: the ", place, ". of ", kind, " has no id")
            end
        end
    end
    return texts
end


local function remember(config, texts)
    local keys = {}
    for key in pairs(texts) do
        keys[#keys + 1] = key
    end
    sort(keys)
    config:set(_M.REGISTER, #keys > 0 and table_concat(keys, "\n") or nil)
end


local function take_out_others(config, texts)
    for key in gmatch(config:get(_M.REGISTER) or "", "[^\n]+") do
        if not texts[key] and config:commit_of(key) == 0 then
            config:set(key, nil)
        end
    end
end


-- Commit 0 is what there is before the mesh's first: for whoever reads the dictionary.
local function make_readable(version)
    if version:get("version") == nil then
        version:set("version", 0)
    end
end


-- config, version: handles of the dictionaries. path: of the file; nil for none.
function _M.load(config, version, path)
    local content, err = {}, nil
    if path then
        content, err = read(path)
    end
    if not content then
        log.error("objects of your own stay as they are: ", err)
        return
    end

    local texts = texts_of(content)
    take_out_others(config, texts)
    for key, text in pairs(texts) do
        if (config:commit_of(key) or 0) > 0 then
            log.error("objects of your own: ", key, " is left out, the mesh has one of that name")
            texts[key] = nil
        elseif not config:set(key, text) then
            log.error("objects of your own: there is no room for ", key, " in xds-config")
            texts[key] = nil
        end
    end

    remember(config, texts)
    if next(texts) then
        make_readable(version)
    end
end


return _M
