-- An endpoint of TCP: says who it is, repeats what it hears, and ends with "bye". What it hears is written to a file,
-- since tests run in nginx's other Lua VM.
local ngx = ngx
local path = os.getenv("AMESH_TEST_CERTIFICATES") .. "/../written/heard"

local _M = {}


local function note(text)
    local file = assert(io.open(path, "ab"))
    file:write(text, "\n")
    file:close()
end


function _M.serve()
    local me = ngx.var.server_addr .. ":" .. ngx.var.server_port
    note(me .. " a connection")
    local socket = ngx.req.socket(true)
    socket:settimeout(60000)
    socket:send("hello " .. me .. "\n")
    while true do
        local line = socket:receive("*l")
        if not line then
            return
        end
        note(me .. " " .. line)
        socket:send(line .. "\n")
        if line == "bye" then
            return
        end
    end
end


-- In a test: everything that endpoints have heard since the last time.
function _M.heard()
    local file = io.open(path, "rb")
    if not file then
        return {}
    end

    local lines = {}
    for line in file:lines() do
        lines[#lines + 1] = line
    end
    file:close()
    os.remove(path)
    return lines
end


return _M
