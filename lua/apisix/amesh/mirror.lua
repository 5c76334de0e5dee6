-- Copies of requests to other clusters. A copy is sent after the request itself has gone on, its answer is read and
-- thrown away, and nothing that happens to it shows in the request's own answer.
local core = require("apisix.core")
local authority = require("apisix.amesh.authority")
local cluster = require("apisix.amesh.cluster")
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
local function read_body()
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


local function message(ctx, target, body, keep_host)
    local host = ctx.var.upstream_host or ngx.var.http_host or ""
    local lines = {
        req.get_method() .. " " .. target .. " HTTP/1.1",
        "host: " .. (keep_host and host or shadow_host(host)),
    }
    for name, value in pairs(req.get_headers(0)) do
        if not NOT_COPIED[name] then
            for _, one in ipairs(type(value) == "table" and value or { value }) do
                lines[#lines + 1] = name .. ": " .. (one == true and "" or one)
            end
        end
    end

    if body ~= "" then
        lines[#lines + 1] = "content-length: " .. #body
    end
    lines[#lines + 1] = "connection: close\r\n\r\n"
    return concat(lines, "\r\n") .. body
end


local function choose_node(upstream_id)
    local _, upstream = cluster.group_of(upstream_id, cluster.upstream_by_id(upstream_id))
    if upstream and TLS_SCHEMES[upstream.scheme] then
        -- never in plain text, and never to an endpoint that nobody verified
        core.log.warn("no copy to cluster ", upstream.name or upstream_id, ": its endpoints speak TLS")
        return nil
    end

    local nodes = upstream and upstream.nodes
    if not nodes or #nodes == 0 then
        return nil
    end

    return cluster.choose(nodes) or nodes[random(#nodes)]
end


-- Reads an answer and keeps nothing of it.
function _M.drain(sock)
    local stop = ngx.now() + LONGEST
    repeat
        local piece = sock:receiveany(PIECE)
    until not piece or ngx.now() > stop
end


local function send(premature, node, text)
    if premature then
        return
    end

    local sock = tcp()
    sock:settimeout(TIMEOUT)
    local ok, err = sock:connect(node.host, node.port)
    if ok then
        ok, err = sock:send(text)
    end
    if ok then
        _M.drain(sock)
        sock:close()
    else
        core.log.info("a mirrored request was not sent: ", err)
    end
end


-- target: path and query that the upstream is asked for.
function _M.request(ctx, mirrors, target)
    local texts, body = {}, nil
    for _, mirror in ipairs(mirrors) do
        local node = fault.happens(mirror.ppm) and choose_node(mirror.upstream_id)
        if node then
            local keep_host = mirror.keep_host == true
            body = body or read_body()
            if not body then
                core.log.warn("a request is not mirrored, its body cannot be had")
                return
            end
            texts[keep_host] = texts[keep_host] or message(ctx, target, body, keep_host)
            local ok, err = timer_at(0, send, node, texts[keep_host])
            if not ok then
                core.log.error("a request is not mirrored, no timer: ", err)
            end
        end
    end
end


return _M
