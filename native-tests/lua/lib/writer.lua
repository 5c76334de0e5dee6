-- Plays libxds.so: commits objects into the shared dictionaries with the protocol that the provider reads.
local json = require("cjson.safe")
local ngx = ngx
local config = ngx.shared["xds-config"]
local version = ngx.shared["xds-config-version"]

local _M = {}
local LOG_LIMIT = 16

-- As the library writes: the chains of a listener come last, and a slash is a slash.
local function encode(object)
    if type(object) == "string" then
        return object
    end

    local chains, head = object.chains, {}
    for name, value in pairs(object) do
        if name ~= "chains" and name ~= "default_chain" then
            head[name] = value
        end
    end
    local text = json.encode(head)
    if chains then
        text = text:sub(1, -2) .. ',"chains":' .. (next(chains) and json.encode(chains) or "[]")
        if object.default_chain then
            text = text .. ',"default_chain":' .. json.encode(object.default_chain)
        end
        text = text .. "}"
    end
    return (text:gsub("\\/", "/"))
end

function _M.number()
    return version:get("version") or 0
end

function _M.begin()
    local number = _M.number() + 1
    version:set("amesh/pending", number)
    return number
end

-- The register of keys, which whoever cannot list a dictionary reads: all of it in one of its parts.
local function register()
    local keys = {}
    for _, key in ipairs(config:get_keys(0)) do
        keys[#keys + 1] = key:sub(1, 1) == "/" and key or nil
    end
    config:set("amesh/keys/00", table.concat(keys, "\n"))
end

-- set: {{key, object or text}}; removed: {key}
function _M.write(set, removed)
    local log = {}
    for _, one in ipairs(set or {}) do
        local text = encode(one[2])
        -- beside each object the commit that it comes with; routes that are not of the mesh are not the library's
        local foreign = one[1]:find("^/routes/") and not text:find("amesh_virtual_host", 1, true)
        config:set(one[1], text, 0, foreign and 0 or _M.number() + 1)
        log[#log + 1] = "+" .. one[1]
    end
    for _, key in ipairs(removed or {}) do
        config:delete(key)
        log[#log + 1] = "-" .. key
    end
    register()
    return table.concat(log, "\n")
end

function _M.finish(number, log)
    version:set("amesh/log/" .. number, log)
    local first = math.max(version:get("amesh/log_first") or 1, number - LOG_LIMIT + 1)
    version:delete("amesh/log/" .. first - 1)
    version:set("amesh/log_first", first)
    version:set("version", number)
end

-- Until every worker has applied what was committed.
function _M.wait()
    local number = _M.number()
    local deadline = ngx.now() + 20
    if not ngx.shared.gateway then
        -- APISIX itself: other workers do not report
        local core = require("apisix.core")
        while (core.config.applied_version() or 0) < number and ngx.now() < deadline do
            ngx.sleep(0.005)
        end
        return ngx.sleep(0.03)
    end
    while ngx.now() < deadline do
        local behind = false
        for id = 0, ngx.worker.count() - 1 do
            behind = behind or (ngx.shared.gateway:get("worker/" .. id) or 0) < number
        end
        if not behind then
            return
        end
        ngx.sleep(0.01)
    end
    error("a worker did not apply commit " .. number)
end

-- Takes back what was written since begin(): the objects that were there, with the commit that they had come with.
function _M.take_back(before)
    for key, was in pairs(before) do
        config:set(key, was.text, 0, was.commit)
    end
    version:set("amesh/pending", _M.number())
end

-- What take_back needs of a key.
function _M.what_is_there(key)
    local text, commit = config:get(key)
    return { text = text, commit = commit }
end

function _M.commit(set, removed)
    local number = _M.begin()
    _M.finish(number, _M.write(set, removed))
    _M.wait()
    return number
end

-- Removes everything and then sets the objects.
function _M.replace(set)
    local keep, removed = {}, {}
    for _, one in ipairs(set) do
        keep[one[1]] = true
    end
    for _, key in ipairs(config:get_keys(0)) do
        if key:sub(1, 1) == "/" and not keep[key] then
            removed[#removed + 1] = key
        end
    end
    return _M.commit(set, removed)
end

return _M
