-- What Envoy's HTTP connection manager says of the client to the endpoint: x-forwarded-for, x-forwarded-proto,
-- x-envoy-external-address, x-envoy-internal and x-forwarded-client-cert.
local client_cert_header = require("apisix.amesh.client_cert_header")
local downstream_tls = require("apisix.amesh.downstream_tls")
local headers = require("apisix.amesh.headers")
local listeners = require("apisix.amesh.listeners")

local ngx_var = ngx.var
local find = string.find
local gmatch = string.gmatch
local match = string.match

local _M = {}

local CLIENT_CERT = "x-forwarded-client-cert"

-- What APISIX writes into every request, and Envoy does not: the client's own comes back. value: nil where APISIX has
-- left the header alone.
local function restore(ctx, name, value)
    if value and value ~= "" then
        headers.set(ctx, name, value)
    elseif value and headers.raw(ctx, name) then
        headers.clear(ctx, name)
    end
end


-- nth address from the end of an x-forwarded-for (0: the last); nil when there is none.
function _M.address_from_end(list, nth)
    local addresses = {}
    for address in gmatch(list or "", "[^,]+") do
        addresses[#addresses + 1] = match(address, "^%s*(.-)%s*$")
    end

    local address = addresses[#addresses - nth]
    if not address then
        return nil
    end

    -- Envoy takes addresses, with or without a port
    if find(address, "^%d+%.%d+%.%d+%.%d+:%d+$") then
        return match(address, "^[^:]+")
    end
    if find(address, "^%d+%.%d+%.%d+%.%d+$") then
        return address
    end
    return match(address, "^%[([%x:.]+)%]:?%d*$") or (find(address, "^[%x:.]+$") and find(address, ":", 1, true)
                                                     and address) or nil
end


local function direct()
    return ngx_var.realip_remote_addr or ngx_var.remote_addr
end


-- The client's address as Envoy's connection manager has it: the connection's own at an edge proxy, else the last that
-- x-forwarded-for tells, each before as many proxies as are trusted. To be asked after `request`.
function _M.client(ctx)
    local client = ctx.amesh_client
    if not client then
        local http = listeners.of(ctx)
        local sent = headers.value(ctx, "x-forwarded-for")
        client = sent and _M.address_from_end(sent, http and http.xff_num_trusted_hops or 0) or direct()
        ctx.amesh_client = client
    end
    return client
end


-- An edge proxy says where the client is; a proxy behind others, or beside its application, says nothing of its own.
local function set_addresses(ctx, http)
    if not http.use_remote_address then
        return
    end

    local remote = direct()
    local sent = headers.value(ctx, "x-forwarded-for")
    local hops = http.xff_num_trusted_hops or 0
    local client = hops > 0 and _M.address_from_end(sent, hops - 1) or remote
    ctx.amesh_client = client
    if not http.skip_xff_append then
        headers.set(ctx, "x-forwarded-for", sent and sent ~= "" and sent .. "," .. remote or remote)
    end
    headers.set(ctx, "x-envoy-external-address", client)
    headers.clear(ctx, "x-envoy-internal")
end


local function set_scheme(ctx, http)
    local there = headers.value(ctx, "x-forwarded-proto")
    local sent = ngx_var.original_x_forwarded_proto
    if sent == nil then
        sent = there
    end

    local believed = not http.use_remote_address or (http.xff_num_trusted_hops or 0) > 0
    local wanted = believed and sent and sent ~= "" and sent or ngx_var.scheme
    if there ~= wanted then
        headers.set(ctx, "x-forwarded-proto", wanted)
    end
end


local function set_client_certificate(ctx, http)
    local sent = headers.value(ctx, CLIENT_CERT)
    local choice = listeners.is_tls(ctx) and downstream_tls.current()
    if not sent and not choice then
        return
    end

    local peer = choice and downstream_tls.peer(choice) or nil
    local value = client_cert_header.value(http.forward_client_cert, sent, peer, function()
        return client_cert_header.element(peer, choice.identity.uris, http.client_cert_details)
    end)
    if value then
        headers.set(ctx, CLIENT_CERT, value)
    elseif value == false and sent then
        headers.clear(ctx, CLIENT_CERT)
    end
end


-- Access phase. http: what the request's filter chain says about HTTP.
function _M.request(ctx, http)
    if ctx.amesh_forwarded then
        return
    end
    ctx.amesh_forwarded = true

    set_client_certificate(ctx, http)
    -- from clients that it does not trust some versions of APISIX take it away, and leave it in this variable
    restore(ctx, "x-forwarded-for", ctx.var._cache.original_x_forwarded_for)
    set_addresses(ctx, http)
    set_scheme(ctx, http)
    -- an APISIX that leaves the headers of clients alone has no such variables
    restore(ctx, "x-forwarded-host", ngx_var.original_x_forwarded_host)
    restore(ctx, "x-forwarded-port", ngx_var.original_x_forwarded_port)
    restore(ctx, "forwarded", ngx_var.original_forwarded)
end


return _M
