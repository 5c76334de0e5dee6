-- One request to a cluster of the mesh, sent by way of this nginx itself (copies.lua), so that balancing, TLS, HTTP/2
-- and limits are those of any other request to it.
local copies = require("apisix.amesh.copies")
local cluster = require("apisix.amesh.cluster")
local path = require("apisix.amesh.path")

local concat = table.concat
local now = ngx.now
local max = math.max
local pcall = pcall
local update_time = ngx.update_time

local has_http, http = pcall(require, "resty.http")

local _M = {}

local PIECE = 65536
local LONGEST = 1024 * 1024
local FOREVER = 86400


local function set_time(client, deadline)
    update_time()
    local left = deadline - now()
    if left <= 0 then
        return false
    end
    client:set_timeout(max(left * 1000, 1))
    return true
end


local function read_body(client, response, deadline)
    local parts, size = {}, 0
    while response.body_reader do
        if not set_time(client, deadline) then
            return nil, "timeout"
        end
        local part, err = response.body_reader(PIECE)
        if err then
            return nil, err
        end
        if not part then
            break
        end

        size = size + #part
        if size > LONGEST then
            return nil, "the answer is too long"
        end
        parts[#parts + 1] = part
    end
    return concat(parts)
end


local function exchange(client, request, deadline)
    local response, err = client:request(request)
    if not response then
        return nil, err
    end

    local body
    body, err = read_body(client, response, deadline)
    if not body then
        return nil, err
    end
    return { status = response.status, headers = response.headers, body = body }
end


-- request: { method, target, headers, body? }. { status, headers, body }; nil and why.
function _M.ask(service, request)
    if not has_http then
        return nil, "there is no lua-resty-http"
    end

    update_time()
    local seconds = service.timeout or FOREVER
    local deadline = now() + seconds
    local host, port = copies.address()
    local id = cluster.group_of(service.upstream_id, cluster.upstream_by_id(service.upstream_id))
    local ticket = host and copies.ticket(id, seconds)
    if not ticket then
        return nil, "this proxy cannot send requests of its own"
    end

    local client = http.new()
    set_time(client, deadline)
    local ok, err = client:connect({ scheme = "http", host = host, port = port, pool = "amesh#authorization" })
    if not ok then
        return nil, err
    end

    request.headers[copies.HEADER] = ticket
    request.path, request.query = path.split(request.target)
    local answer
    answer, err = exchange(client, request, deadline)
    client:close()
    return answer, err
end


return _M
