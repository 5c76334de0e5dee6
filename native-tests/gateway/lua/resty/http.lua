-- A double of lua-resty-http: one request on a connection of its own, the answer read in pieces.
local _M = {}
local mt = { __index = _M }

function _M.new()
    return setmetatable({ sock = ngx.socket.tcp() }, mt)
end

function _M:set_timeout(ms)
    self.sock:settimeout(ms)
end

function _M:connect(options)
    return self.sock:connect(options.host, options.port)
end

function _M:close()
    return self.sock:close()
end

local function read_head(sock)
    local line, err = sock:receive("*l")
    local status = line and tonumber(line:match("^HTTP/1%.%d (%d+)"))
    if not status then
        return nil, err or "no HTTP"
    end

    local headers = {}
    while true do
        line, err = sock:receive("*l")
        if not line then
            return nil, err
        end
        if line == "" then
            return status, headers
        end
        local name, value = line:match("^([^:]+):%s*(.*)$")
        name = (name or ""):lower()
        local old = headers[name]
        if old then
            value = type(old) == "table" and { value, unpack(old) } or { old, value }
        end
        headers[name] = value
    end
end

-- What is left of a body, of which `size` bytes are known to come; nil: until the connection ends.
local function reader(sock, size)
    return function(most)
        if size == 0 then
            return nil
        end
        local part, err, partial = sock:receive(size and math.min(size, most) or most)
        if not part and not size then
            size = 0
            return partial ~= "" and partial or nil
        end
        if part and size then
            size = size - #part
        end
        return part, err
    end
end

-- Each piece a chunk.
local function chunks(sock)
    return function()
        local line, err = sock:receive("*l")
        local size = line and tonumber(line:match("^%x+"), 16)
        if not size then
            return nil, err or "no chunk"
        end
        if size == 0 then
            return nil
        end
        local part
        part, err = sock:receive(size)
        sock:receive(2)
        return part, err
    end
end

function _M:request(params)
    local target = params.query and params.path .. "?" .. params.query or params.path
    local lines = { params.method .. " " .. target .. " HTTP/1.1" }
    for name, value in pairs(params.headers) do
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            lines[#lines + 1] = name .. ": " .. one
        end
    end
    lines[#lines + 1] = "Connection: close\r\n\r\n"
    local ok, err = self.sock:send(table.concat(lines, "\r\n") .. (params.body or ""))
    if not ok then
        return nil, err
    end

    local status, headers = read_head(self.sock)
    if not status then
        return nil, headers
    end
    local size = params.method == "HEAD" and 0 or tonumber(headers["content-length"])
    local is_chunked = headers["transfer-encoding"] == "chunked" and size ~= 0
    local body_reader = is_chunked and chunks(self.sock) or reader(self.sock, size)
    return { status = status, headers = headers, body_reader = body_reader }
end

return _M
