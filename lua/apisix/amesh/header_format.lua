-- Envoy's command operators in header values: %REQ(X?Y):Z%, %DOWNSTREAM_REMOTE_ADDRESS% and the like. A text is
-- compiled once; what stands for nothing is empty, as Envoy has it in headers. The known operators are also listed in
-- src/Amesh.Translation/Routes/HeaderFormats.cs, which tells users of others; a test compares the two.
local authority = require("apisix.amesh.authority")
local connection = require("apisix.amesh.connection")
local headers = require("apisix.amesh.headers")
local variables = require("apisix.amesh.variables")

local ngx = ngx
local var = ngx.var
local concat = table.concat
local date = os.date
local find = string.find
local floor = math.floor
local format = string.format
local getenv = os.getenv
local ipairs = ipairs
local lower = string.lower
local match = string.match
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber
local type = type

local _M = {}
local compiled = setmetatable({}, { __mode = "k" })

local ISO = "%Y-%m-%dT%H:%M:%E3SZ"


local function milliseconds()
    ngx.update_time()
    return format("%d", (ngx.now() - ngx.req.start_time()) * 1000 + 0.5)
end


local function address(ip, port)
    return ip and port and connection.join(ip, tonumber(port))
end


local function remote()
    return address(var.remote_addr, var.remote_port)
end


local function direct()
    return address(var.realip_remote_addr or var.remote_addr, var.realip_remote_port or var.remote_port)
end


local function local_address()
    return address(connection.accepted_on())
end


local function endpoint(ctx)
    return ctx.proxy_passed and ctx.amesh.last_host or nil
end


-- the part before the last ":"
local function without_port(text)
    return text and (match(text, "^%[(.*)%]:%d+$") or match(text, "^(.*):%d+$"))
end


local function port_of(text)
    return text and match(text, ":(%d+)$")
end


local PSEUDO = {
    [":authority"] = function(ctx) return authority.of(ctx) end,
    [":method"] = function() return ngx.req.get_method() end,
    [":scheme"] = function() return var.scheme end,
    [":path"] = function(ctx)
        local path, query = variables.path_of(ctx)
        return query and path .. "?" .. query or path
    end,
}


local function request_header(ctx, name)
    name = lower(name)
    if PSEUDO[name] then
        return PSEUDO[name](ctx)
    end
    return headers.value(ctx, name)
end


local function response_header(name)
    if name == ":status" then
        return format("%d", ngx.status)
    end

    local value = ngx.header[name]
    return type(value) == "table" and concat(value, ",") or value
end


-- "X?Y": X, or where there is none, Y. read(name) -> value.
local function either(argument, read)
    local first, second = match(argument, "^([^?]*)%??(.*)$")
    local value = read(first)
    if value == nil and second ~= "" then
        value = read(second)
    end
    return value
end


-- Envoy's own additions to strftime: %E3S, %3f, %f, %s and so on.
local function written(time, text)
    local seconds = floor(time)
    local part = time - seconds
    local function fraction(digits)
        return sub(format("%.9f", part), 3, 2 + digits)
    end

    text = text:gsub("%%E(%d)S", function(digits) return date("!%S", seconds) .. "." .. fraction(tonumber(digits)) end)
    text = text:gsub("%%(%d)f", function(digits) return fraction(tonumber(digits)) end)
    text = text:gsub("%%f", function() return fraction(9) end)
    text = text:gsub("%%s", function() return format("%d", seconds) end)
    return date("!" .. text, seconds)
end


local function path_of(ctx, argument)
    local target = PSEUDO[":path"](ctx)
    return find(argument or "", "NQ", 1, true) and match(target, "^[^?]*") or target
end


local OPERATORS = {
    BYTES_RECEIVED = function() return var.content_length or "0" end,
    CONNECTION_ID = function() return var.connection end,
    DOWNSTREAM_DIRECT_REMOTE_ADDRESS = direct,
    DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT = function() return var.realip_remote_addr or var.remote_addr end,
    DOWNSTREAM_LOCAL_ADDRESS = local_address,
    DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT = function() return (connection.accepted_on()) end,
    DOWNSTREAM_LOCAL_PORT = function() return port_of(local_address()) end,
    DOWNSTREAM_REMOTE_ADDRESS = remote,
    DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT = function() return var.remote_addr end,
    DOWNSTREAM_REMOTE_PORT = function() return var.remote_port end,
    DURATION = milliseconds,
    ENVIRONMENT = function(_, argument) return getenv(argument) end,
    HOSTNAME = function() return var.hostname end,
    PATH = path_of,
    PROTOCOL = function() return (match(var.server_protocol or "", "^(HTTP/2)%.0$")) or var.server_protocol end,
    REQ = function(ctx, argument)
        return either(argument, function(name) return request_header(ctx, name) end)
    end,
    REQUESTED_SERVER_NAME = function() return var.ssl_server_name end,
    REQUEST_DURATION = milliseconds,
    RESP = function(_, argument) return either(argument, response_header) end,
    RESPONSE_CODE = function() return format("%d", ngx.status) end,
    ROUTE_NAME = function(ctx) return ctx.matched_route and ctx.matched_route.value.name end,
    START_TIME = function(_, argument) return written(ngx.req.start_time(), argument or ISO) end,
    UPSTREAM_CLUSTER = function(ctx) return ctx.amesh.cluster_name end,
    UPSTREAM_CLUSTER_RAW = function(ctx) return ctx.amesh.cluster_name end,
    UPSTREAM_HOST = endpoint,
    UPSTREAM_REMOTE_ADDRESS = endpoint,
    UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT = function(ctx) return without_port(endpoint(ctx)) end,
    UPSTREAM_REMOTE_PORT = function(ctx) return port_of(endpoint(ctx)) end,
    UPSTREAM_REQUEST_ATTEMPT_COUNT = function(ctx) return ctx.amesh.attempt and format("%d", ctx.amesh.attempt) end,
}


local function operator(name, argument, length)
    local read = OPERATORS[name]
    if not read then
        return ""
    end

    return function(ctx)
        local value = read(ctx, argument) or ""
        return length and sub(value, 1, length) or value
    end
end


-- One piece behind a "%": function or text, and where the text goes on.
local function piece(text, from)
    if sub(text, from, from) == "%" then
        return "%", from + 1
    end

    -- %START_TIME(%Y)% has a "%" inside
    local name, argument, length, stop = match(text, "^([A-Z_0-9]+)%((.-)%):?(%d*)%%()", from)
    if not name then
        name, length, stop = match(text, "^([A-Z_0-9]+):?(%d*)%%()", from)
    end
    if not name then
        return "%", from
    end
    return operator(name, argument, tonumber(length)), stop
end


local function compile(text)
    local pieces, from = {}, 1
    while true do
        local mark = find(text, "%", from, true)
        pieces[#pieces + 1] = sub(text, from, (mark or 0) - 1)
        if not mark then
            return pieces
        end
        pieces[#pieces + 1], from = piece(text, mark + 1)
    end
end


-- mutation: one that has `format`; the text for this request.
function _M.value(ctx, mutation)
    local pieces = compiled[mutation]
    if not pieces then
        pieces = compile(mutation.value)
        compiled[mutation] = pieces
    end

    local texts = {}
    for index, one in ipairs(pieces) do
        texts[index] = type(one) == "function" and one(ctx) or one
    end
    return concat(texts)
end


return _M
