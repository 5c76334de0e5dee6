-- Asks an authorization service by gRPC: envoy.service.auth.v3.Authorization, Check. The numbers are those of its
-- fields.
local call = require("apisix.amesh.ext_authz.call")
local certificate = require("apisix.amesh.certificate")
local destination = require("apisix.amesh.destination")
local http_service = require("apisix.amesh.ext_authz.http_service")
local request_view = require("apisix.amesh.access.request_view")
local wire = require("apisix.amesh.ext_authz.wire")

local bit = require("bit")

local ngx_req = ngx.req
local ngx_var = ngx.var
local byte = string.byte
local char = string.char
local concat = table.concat
local floor = math.floor
local format = string.format
local ipairs = ipairs
local lower = string.lower
local pairs = pairs
local sub = string.sub
local tonumber = tonumber
local type = type

local _M = {}

local TARGET = "/envoy.service.auth.v3.Authorization/Check"
local OK, FORBIDDEN = 200, 403
local FRAME = 5
local PSEUDO = { ":method", ":path", ":authority", ":scheme" }
local PROTOCOLS = { ["HTTP/2.0"] = "HTTP/2" }
-- HeaderValueOption.append_action
local ACTIONS = { [0] = "append", "add_if_absent", "set", "overwrite_if_exists" }

local last, message, text, number = wire.last, wire.message, wire.text, wire.number


local function address(ip, port)
    return message(1, message(1, text(2, ip) .. number(3, tonumber(port) or 0)))
end


-- As Envoy: the first URI of the certificate, else its first DNS name, else its subject.
local function principal(peer)
    local dns
    for _, name in ipairs(peer.names) do
        if name.type == "uri" then
            return name.value
        end
        dns = dns or name.type == "dns" and name.value or nil
    end
    return dns or request_view.subject(peer)
end


local function source(ctx, filter)
    local peer = request_view.peer()
    local parts = {
        address(request_view.direct_ip(ctx), ngx_var.realip_remote_port or ngx_var.remote_port),
        text(2, request_view.header(ctx, "x-envoy-downstream-service-cluster")),
        text(4, peer and principal(peer)),
        text(5, peer and filter.include_peer_certificate
                and certificate.url_encoded(certificate.pem(peer.certificate))),
    }
    return concat(parts)
end


local function start_time()
    local started = ngx_req.start_time()
    local seconds = floor(started)
    return number(1, seconds) .. number(2, floor((started - seconds) * 1e9))
end


-- All that the service may see, pseudo-headers too, each as one text.
local function header_fields(ctx, filter, body, is_cut)
    local shown = http_service.shown(filter)
    shown["host"] = nil
    for _, name in ipairs(PSEUDO) do
        shown[name] = request_view.header(ctx, name)
    end
    if body then
        shown["x-envoy-auth-partial-body"] = is_cut and "true" or "false"
    end

    if not filter.encode_raw_headers then
        return wire.map(3, shown)
    end

    local list = {}
    for name, value in pairs(shown) do
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            list[#list + 1] = message(1, text(1, name) .. text(3, one))
        end
    end
    return message(13, concat(list))
end


local function http_request(ctx, filter, body_conf, body, is_cut)
    local protocol = ngx_var.server_protocol
    return concat({
        text(1, format("%s%03d", ngx_var.connection, ngx_var.connection_requests)),
        text(2, request_view.header(ctx, ":method")),
        header_fields(ctx, filter, body, is_cut),
        text(4, request_view.header(ctx, ":path")),
        text(5, request_view.header(ctx, ":authority")),
        text(6, request_view.header(ctx, ":scheme")),
        number(9, #(body or "")),
        text(10, PROTOCOLS[protocol] or protocol),
        text(body_conf and body_conf.as_bytes and 12 or 11, body),
    })
end


local function metadata(ctx, filter)
    local entries = {}
    for _, namespace in ipairs(filter.metadata_namespaces or {}) do
        local found = request_view.metadata(ctx, namespace)
        if found then
            entries[#entries + 1] = message(1, text(1, namespace) .. message(2, wire.struct(found)))
        end
    end
    return concat(entries)
end


local function check_request(ctx, filter, override, body_conf, body, is_cut)
    local target = destination.of(ctx)
    local server_name = filter.include_tls_session and request_view.is_tls() and request_view.server_name(ctx)
    return message(1, concat({
        message(1, source(ctx, filter)),
        message(2, address(target.ip, target.port)),
        message(4, message(1, start_time()) .. message(2, http_request(ctx, filter, body_conf, body, is_cut))),
        wire.map(10, override and override.context_extensions),
        message(11, metadata(ctx, filter)),
        server_name and message(12, text(1, server_name)) or "",
    }))
end


-- A HeaderValueOption; by_action: whether append_action counts where append says nothing. nil for what is none.
local function header_option(bytes, by_action)
    local option = wire.read(bytes)
    local header = option and last(option, 1) and wire.read(last(option, 1))
    local name = header and last(header, 1)
    if not name or name == "" then
        return nil
    end

    local append = option[2] and wire.read(last(option, 2))
    local op = append and last(append, 1) == 1 and "append" or "set"
    if not append and by_action then
        op = ACTIONS[last(option, 3) or 0] or "append"
    end
    return { op = op, name = lower(name), value = last(header, 2) or last(header, 3) or "" }
end


local function header_options(values, by_action)
    local list = {}
    for _, bytes in ipairs(values or {}) do
        list[#list + 1] = header_option(bytes, by_action)
    end
    return list
end


local function passed(bytes)
    local ok = wire.read(bytes or "")
    if not ok then
        return nil
    end

    local outcome = { allowed = true, set = {}, append = {}, remove = {}, response = header_options(ok[6], true) }
    for _, option in ipairs(header_options(ok[2])) do
        local list = option.op == "append" and outcome.append or outcome.set
        list[#list + 1] = option
    end
    for index, name in ipairs(ok[5] or {}) do
        outcome.remove[index] = lower(name)
    end

    outcome.query_set, outcome.query_remove = {}, ok[8]
    for index, parameter in ipairs(ok[7] or {}) do
        local pair = wire.read(parameter) or {}
        outcome.query_set[index] = { name = last(pair, 1) or "", value = last(pair, 2) or "" }
    end
    return outcome
end


local function refused(bytes)
    local denied = wire.read(bytes or "")
    if not denied then
        return nil
    end

    local status = denied[1] and wire.read(last(denied, 1))
    local code = status and last(status, 1) or 0
    return {
        allowed = false,
        status = code > 0 and code or FORBIDDEN,
        body = last(denied, 3),
        client = header_options(denied[2]),
    }
end


-- A CheckResponse; nil where it is none.
local function outcome_of(filter, bytes)
    local response = wire.read(bytes)
    if not response then
        return nil
    end

    local status = response[1] and wire.read(last(response, 1)) or {}
    local outcome
    if (last(status, 1) or 0) == 0 then
        outcome = passed(last(response, 3))
    else
        outcome = refused(last(response, 2))
    end
    if outcome and response[4] and not filter.ignore_metadata then
        outcome.metadata = wire.read_struct(last(response, 4))
    end
    return outcome
end


-- The message of an answer; nil and why there is none.
local function unframed(answer)
    local headers = answer.headers
    local code = tonumber(headers["grpc-status"]) or 0
    if answer.status ~= OK or code ~= 0 then
        return nil, "status " .. answer.status .. ", gRPC status " .. code .. " " .. (headers["grpc-message"] or "")
    end

    local body = answer.body
    if #body < FRAME or byte(body, 1) ~= 0 then
        return nil, "no message came"
    end
    local a, b, c, d = byte(body, 2, FRAME)
    local length = ((a * 256 + b) * 256 + c) * 256 + d
    if #body - FRAME < length then
        return nil, "the message is cut"
    end
    return sub(body, FRAME + 1, FRAME + length)
end


local function framed(bytes)
    local size = #bytes
    return char(0, bit.band(bit.rshift(size, 24), 255), bit.band(bit.rshift(size, 16), 255),
                bit.band(bit.rshift(size, 8), 255), bit.band(size, 255)) .. bytes
end


-- See http_service.lua. override: what the route says.
function _M.ask(ctx, filter, override, body, is_cut, body_conf)
    local service = filter.service
    local request = framed(check_request(ctx, filter, override, body_conf, body, is_cut))
    local sent = {}
    http_service.add_configured(ctx, service, sent)
    sent["host"] = service.host
    sent["content-type"] = "application/grpc"
    sent["content-length"] = #request
    sent["te"] = "trailers"
    if service.timeout then
        sent["grpc-timeout"] = format("%dm", service.timeout * 1000)
    end

    local answer, err = call.ask(service, { method = "POST", target = TARGET, headers = sent, body = request })
    local bytes
    if answer then
        bytes, err = unframed(answer)
    end
    if not bytes then
        return nil, err
    end

    local outcome = outcome_of(filter, bytes)
    if not outcome then
        return nil, "its answer is no CheckResponse"
    end
    return outcome
end


return _M
