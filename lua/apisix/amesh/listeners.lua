-- Which filter chain of the mesh a request came in by, and what that says about HTTP.
local destination = require("apisix.amesh.destination")
local filter_chains = require("apisix.amesh.filter_chains")

local ngx = ngx
local ngx_var = ngx.var
local setmetatable = setmetatable
local sub = string.sub
local tonumber = tonumber

local NOTHING = {}

local _M = {
    init_worker = filter_chains.init_worker,
}

-- connections that are remembered
local MOST = 4096
-- connection's number -> what was found for it, at one version of the listeners
local looked_up = { version = nil, count = 0, by_connection = {} }

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


-- nginx's variables cost, and hardly any chain asks for the client's end.
local with_source = {
    __index = function(_, field)
        if field == "source_ip" then
            return ngx_var.realip_remote_addr or ngx_var.remote_addr
        elseif field == "source_port" then
            return tonumber(ngx_var.realip_remote_port or ngx_var.remote_port)
        end
    end,
}


local function about_of(ctx)
    local target = destination.of(ctx)
    local about = setmetatable({
        local_port = target.arrived_at,
        destination_ip = target.ip,
        destination_port = target.port,
        captured = target.captured,
        by_name = not target.captured,
    }, with_source)
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


-- Called by its own name, as one calls an HTTP proxy, a sidecar sends requests on with its workload's identity: it does
-- so for whoever is on this host, and for nobody from elsewhere. Envoy does it for nobody.
local function may_call_by_name(about, target)
    if not target.by_host or not filter_chains.is_for_others(target.arrived_at) then
        return true
    end
    local source = about.source_ip
    return source == about.destination_ip or source == "::1" or sub(source, 1, 4) == "127."
end


local function look_up(ctx)
    local about = about_of(ctx)
    local chain, listener
    if may_call_by_name(about, destination.of(ctx)) then
        chain, listener = filter_chains.match(about)
    else
        listener = NOTHING
    end
    if chain and not fits(chain, about) then
        chain = nil
    end
    return { chain = chain, listener = listener, destination = destination.of(ctx), is_tls = about.transport == "tls" }
end


-- A connection is looked up with its first request, as Envoy chooses its chain once; and again when a listener changes.
local function find(ctx)
    local version = filter_chains.version()
    if version ~= looked_up.version or looked_up.count >= MOST then
        looked_up = { version = version, count = 0, by_connection = {} }
    end

    local number = ngx_var.connection
    local found = looked_up.by_connection[number]
    if found then
        ctx.amesh_destination = found.destination
        return found
    end

    found = look_up(ctx)
    if not found.destination.by_host then
        looked_up.by_connection[number] = found
        looked_up.count = looked_up.count + 1
    end
    return found
end


local function found_of(ctx)
    local found = ctx.amesh_chain
    if not found then
        found = find(ctx)
        ctx.amesh_chain = found
    end
    return found
end


-- The chain and the listener's object; nil, object: nothing takes the connection; nil, nil: the mesh has no listener.
function _M.chain(ctx)
    local found = found_of(ctx)
    return found.chain, found.listener
end


-- Did the request come by TLS?
function _M.is_tls(ctx)
    return found_of(ctx).is_tls
end


-- Was the request's connection captured, rather than made to this proxy itself?
function _M.is_captured(ctx)
    return found_of(ctx).destination.captured
end


-- The HTTP side of the request's chain: route_config, normalize_path, ...; nil where it has none.
function _M.of(ctx)
    local chain = _M.chain(ctx)
    return chain and chain.http or nil
end


return _M
