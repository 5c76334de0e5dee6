-- Which filter chain of the mesh a request came in by, and what that says about HTTP.
local destination = require("apisix.amesh.destination")
local filter_chains = require("apisix.amesh.filter_chains")

local ngx = ngx
local ngx_var = ngx.var
local tonumber = tonumber

local _M = {
    init_worker = filter_chains.init_worker,
}

-- as Envoy's http_inspector names what it sees
local PROTOCOLS = { ["HTTP/1.0"] = "http/1.0", ["HTTP/1.1"] = "http/1.1", ["HTTP/2.0"] = "h2c" }


-- What the connection's first bytes said, as far as a request still tells it. The TLS phases may have left more.
local function look_at(about)
    if ngx_var.https ~= "on" then
        about.transport = "raw_buffer"
        about.alpn = { PROTOCOLS[ngx_var.server_protocol] }
        return
    end

    local hello = ngx.ctx.amesh_client_hello
    about.transport = "tls"
    about.sni = hello and hello.sni or ngx_var.ssl_server_name
    about.alpn = hello and hello.alpn or { ngx_var.ssl_alpn_protocol }
end


local function about_of(ctx)
    local target = destination.of(ctx)
    local about = {
        local_port = target.arrived_at,
        destination_ip = target.ip,
        destination_port = target.port,
        captured = target.captured,
        by_name = not target.captured,
        source_ip = ngx_var.realip_remote_addr or ngx_var.remote_addr,
        source_port = tonumber(ngx_var.realip_remote_port or ngx_var.remote_port),
    }
    look_at(about)
    return about
end


-- Plain text is no way in where TLS is asked for, nor TLS where nothing here can end it.
local function fits(chain, about)
    if about.transport == "tls" then
        return chain.tls or not about.captured
    end
    return not chain.tls
end


-- The chain and the listener's object; nil, object: nothing takes the connection; nil, nil: the mesh has no listener.
function _M.chain(ctx)
    local found = ctx.amesh_chain
    if not found then
        local about = about_of(ctx)
        local chain, listener = filter_chains.match(about)
        if chain and not fits(chain, about) then
            chain = nil
        end
        found = { chain = chain, listener = listener }
        ctx.amesh_chain = found
    end

    return found.chain, found.listener
end


-- The HTTP side of the request's chain: route_config, normalize_path, ...; nil where it has none.
function _M.of(ctx)
    local chain = _M.chain(ctx)
    return chain and chain.http or nil
end


return _M
