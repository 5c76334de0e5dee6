-- Copies of requests to other clusters. A copy is sent after the request itself has gone on, its answer is read and
-- thrown away, and nothing that happens to it shows in the request's own answer.
local core = require("apisix.core")
local authority = require("apisix.amesh.authority")
local cluster = require("apisix.amesh.cluster")
local copies = require("apisix.amesh.copies")
local fault = require("apisix.amesh.fault")
local request_body = require("apisix.amesh.request_body")

local ngx = ngx
local req = ngx.req
local concat = table.concat
local io = io
local ipairs = ipairs
local pairs = pairs
local random = math.random
local timer_at = ngx.timer.at
local tcp = ngx.socket.tcp
local type = type

local _M = {}

local NONE = {}
local TIMEOUT = 10000
-- an answer that goes on is given up after so many seconds
local LONGEST = 60
local PIECE = 65536
local WITHOUT_BODY = { GET = true, HEAD = true }
local TLS_SCHEMES = { https = true, grpcs = true }
local NOT_COPIED = {
    host = true, connection = true, ["content-length"] = true, ["transfer-encoding"] = true, upgrade = true,
    expect = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true,
}


-- The whole body, "" for none; nil when it cannot be had.
local function whole_body()
    if not request_body.read() then
        return WITHOUT_BODY[req.get_method()] and ""
    end

    local body = req.get_body_data()
    if body then
        return body
    end

    local name = req.get_body_file()
    if not name then
        return ""
    end

    local file = io.open(name, "rb")
    if not file then
        return nil
    end

    body = file:read("*a")
    file:close()
    return body
end


-- Envoy marks a copy by its host name, so that logs can be told apart.
local function shadow_host(host)
    local bare = authority.without_port(host)
    return bare .. "-shadow" .. host:sub(#bare + 1)
end


local function message(ctx, target, body, keep_host, ticket)
    local host = ctx.var.upstream_host or ngx.var.http_host or ""
    local lines = {
        req.get_method() .. " " .. target .. " HTTP/1.1",
        "host: " .. (keep_host and host or shadow_host(host)),
    }
    for name, value in pairs(req.get_headers(0)) do
        -- nginx passes on what of TE is for endpoints
        if not NOT_COPIED[name] or (ticket and name == "te") then
            for _, one in ipairs(type(value) == "table" and value or { value }) do
                lines[#lines + 1] = name .. ": " .. (one == true and "" or one)
            end
        end
    end

    if ticket then
        lines[#lines + 1] = copies.HEADER .. ": " .. ticket
    end
    if body ~= "" then
        lines[#lines + 1] = "content-length: " .. #body
    end
    lines[#lines + 1] = "connection: close\r\n\r\n"
    return concat(lines, "\r\n") .. body
end


-- Where a copy goes to: host, port, and a ticket where that is this nginx; nil when there is nothing.
local function choose_place(upstream_id)
    local id, upstream = cluster.group_of(upstream_id, cluster.upstream_by_id(upstream_id))
    local nodes = upstream and upstream.nodes
    if not nodes or #nodes == 0 then
        return nil
    end

    if TLS_SCHEMES[upstream.scheme] or (upstream.labels and upstream.labels.amesh_http2 == "true") then
        local host, port = copies.address()
        local ticket = host and copies.ticket(id)
        if not ticket then
            -- never in plain text, and never to an endpoint that nobody verified
            core.log.warn("no copy to cluster ", upstream.name or id, ": its endpoints speak TLS or HTTP/2")
            return nil
        end
        return host, port, ticket
    end

    local node = cluster.choose(nodes) or nodes[random(#nodes)]
    return node.host, node.port
end


-- Reads an answer and keeps nothing of it.
function _M.drain(sock)
    local stop = ngx.now() + LONGEST
    repeat
        local piece = sock:receiveany(PIECE)
    until not piece or ngx.now() > stop
end


local function send(premature, host, port, text)
    if premature then
        return
    end

    local sock = tcp()
    sock:settimeout(TIMEOUT)
    local ok, err = sock:connect(host, port)
    if ok then
        ok, err = sock:send(text)
    end
    if not ok then
        core.log.info("a mirrored request was not sent: ", err)
        return
    end

    _M.drain(sock)
    sock:close()
end


-- Those that get a copy of the request; nil for none.
function _M.draw(mirrors)
    local drawn
    for _, mirror in ipairs(mirrors or NONE) do
        if fault.happens(mirror.ppm) then
            drawn = drawn or {}
            drawn[#drawn + 1] = mirror
        end
    end
    return drawn
end


-- target: path and query that the upstream is asked for. body: where nginx does not have the request's as a whole.
function _M.request(ctx, mirrors, target, body)
    local texts = {}
    for _, mirror in ipairs(mirrors) do
        local host, port, ticket = choose_place(mirror.upstream_id)
        if host then
            local keep_host = mirror.keep_host == true
            body = body or whole_body()
            if not body then
                core.log.warn("a request is not mirrored, its body cannot be had")
                return
            end

            local text = not ticket and texts[keep_host] or message(ctx, target, body, keep_host, ticket)
            if not ticket then
                texts[keep_host] = text
            end
            local ok, err = timer_at(0, send, host, port, text)
            if not ok then
                core.log.error("a request is not mirrored, no timer: ", err)
            end
        end
    end
end


return _M
