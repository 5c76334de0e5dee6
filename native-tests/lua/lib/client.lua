-- A small HTTP/1.1 client for tests: one connection per request, unless it is told to keep it; nothing is normalised.
local json = require("cjson.safe")
local ngx = ngx

local _M = { gateway = { "127.0.0.1", 15001 } }


local function read_headers(sock)
    local headers = {}
    while true do
        local line, err = sock:receive("*l")
        if not line or line == "" then
            return headers, err
        end

        local name, value = line:match("^([^:]+):%s*(.*)$")
        name = name:lower()
        if headers[name] then
            headers[name] = headers[name] .. "|" .. value
        else
            headers[name] = value
        end
    end
end


local function read_chunks(sock)
    local body = {}
    while true do
        local size = sock:receive("*l")
        size = size and tonumber(size, 16)
        if not size then
            return nil, "cut"
        end
        if size == 0 then
            return table.concat(body)
        end
        body[#body + 1] = sock:receive(size)
        sock:receive(2)
    end
end


-- A new connection, or the one that is kept in `kept`; nil and why there is none.
local function connect(to, kept)
    local sock = kept and kept.sock
    if sock then
        return sock
    end

    sock = ngx.socket.tcp()
    sock:settimeout(20000)
    local ok, err = sock:connect(to[1], to[2])
    if kept then
        kept.sock = ok and sock
    end
    return ok and sock, err
end


-- request: {method, path, host, headers = {{name, value}} or {name = value}, body, to = {address, port},
-- kept = a table: requests with the same one go over one connection}
-- Returns {status, headers, body, seen, seconds, cut}.
function _M.send(request)
    local started = ngx.now()
    local sock, err = connect(request.to or _M.gateway, request.kept)
    if not sock then
        return { status = "no connection", err = err }
    end

    local lines = { (request.method or "GET") .. " " .. (request.path or "/") .. " HTTP/1.1" }
    lines[#lines + 1] = "Host: " .. (request.host or "reviews:9080")
    for name, value in pairs(request.headers or {}) do
        if type(value) == "table" then
            name, value = value[1], value[2]
        end
        lines[#lines + 1] = name .. ": " .. value
    end
    if request.body then
        lines[#lines + 1] = "Content-Length: " .. #request.body
    end
    lines[#lines + 1] = "Connection: " .. (request.kept and "keep-alive" or "close") .. "\r\n\r\n"
    sock:send(table.concat(lines, "\r\n") .. (request.body or ""))

    local line = sock:receive("*l")
    if not line then
        return { status = "no answer" }
    end

    local answer = { status = tonumber(line:match("^HTTP/1.1 (%d+)")) }
    answer.headers = read_headers(sock)
    if request.method ~= "HEAD" then
        if answer.headers["transfer-encoding"] then
            answer.body, err = read_chunks(sock)
            answer.cut = err
        elseif answer.headers["content-length"] then
            answer.body = sock:receive(tonumber(answer.headers["content-length"]))
        else
            answer.body = sock:receive("*a")
        end
    end
    if not request.kept then
        sock:close()
    end

    ngx.update_time()
    answer.seconds = ngx.now() - started
    if answer.headers["x-from-backend"] then
        answer.seen = json.decode(answer.body or "")
    end
    return answer
end


return _M
