-- One GET to an endpoint of a cluster, as the mesh wants the cluster to be spoken to: an endpoint that wants TLS is
-- verified as for requests, and what cannot be verified is not asked.
local cluster = require("apisix.amesh.cluster")
local path = require("apisix.amesh.path")
local upstream_tls = require("apisix.amesh.upstream_tls")

local concat = table.concat
local pcall = pcall
local random = math.random
local require = require
local type = type

local has_http, http = pcall(require, "resty.http")

local _M = {}

local PIECE = 8192
local LONGEST = 1024 * 1024


local function endpoint(remote)
    local _, upstream = cluster.group_of(remote.upstream_id, cluster.upstream_by_id(remote.upstream_id))
    local nodes = type(upstream) == "table" and upstream.nodes
    if not nodes or #nodes == 0 then
        return nil, "the cluster has no endpoint"
    end
    return cluster.choose(nodes) or nodes[random(#nodes)], upstream
end


-- Nothing is verified in it. APISIX's own runtime has another function for it, which takes text.
local function handshake(sock, server_name, identity)
    if sock.tlshandshake then
        return sock:tlshandshake({
            reused_session = false,
            server_name = server_name,
            verify = false,
            client_cert = identity and identity.pem,
            client_priv_key = identity and identity.pem_key,
        })
    end

    if identity then
        local ok, err = sock:setclientcert(identity.chain, identity.key)
        if not ok then
            return false, err
        end
    end
    return sock:sslhandshake(false, server_name, false)
end


-- Before a byte of the request goes out.
local function secure(client, remote, upstream)
    local state, why = upstream_tls.state_for_host(remote.host, upstream)
    if not state then
        return why == nil, why
    end

    local sock = client.sock
    if not sock.getsslpointer then
        return false, "this nginx cannot verify the endpoint (OpenResty 1.29 can)"
    end
    local ok, err = handshake(sock, state.sni ~= "" and state.sni or nil, state.identity)
    if not ok then
        return false, err
    end
    return upstream_tls.check(sock:getsslpointer(), state)
end


local function read_body(response)
    local parts, size = {}, 0
    while true do
        local part, err = response.body_reader(PIECE)
        if err then
            return nil, err
        end
        if not part then
            return concat(parts)
        end

        size = size + #part
        if size > LONGEST then
            return nil, "the answer is too long"
        end
        parts[#parts + 1] = part
    end
end


local function ask(client, remote)
    local target, query = path.split(remote.path)
    local response, err = client:request({ method = "GET", path = target, query = query,
                                           headers = { ["Host"] = remote.host } })
    if not response then
        return nil, err, true
    end
    if response.status ~= 200 then
        return nil, "status " .. response.status, response.status >= 500
    end

    local body
    body, err = read_body(response)
    if not body or body == "" then
        return nil, err or "the answer is empty", true
    end
    return body
end


-- The answer's body; nil, why, and whether another try may help. seconds: for each step.
function _M.text(remote, seconds)
    if not has_http then
        return nil, "there is no lua-resty-http"
    end

    local node, upstream = endpoint(remote)
    if not node then
        return nil, upstream
    end

    local client = http.new()
    client:set_timeout(seconds * 1000)
    local ok, err = client:connect({ scheme = "http", host = node.host, port = node.port, pool = "amesh#keys" })
    if not ok then
        return nil, err, true
    end

    ok, err = secure(client, remote, upstream)
    local text, why, again
    if ok then
        text, why, again = ask(client, remote)
    else
        why = "no TLS: " .. (err or "")
    end
    client:close()
    return text, why, again
end


return _M
