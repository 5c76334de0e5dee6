-- What Envoy's listener filters find out about a connection: transport, server name, protocols.
local client_hello = require("apisix.amesh.stream.client_hello")
local first_bytes = require("apisix.amesh.stream.first_bytes")
local http_start = require("apisix.amesh.stream.http_start")

local ipairs = ipairs

local _M = {}

local UNKNOWN = { transport = "raw_buffer" }
-- TLS whose first message has no end in sight: Envoy closes it, rather than taking it for something else
local TOO_LARGE = {}
local HTTP = {}
for _, version in ipairs({ "http/1.0", "http/1.1", "h2c" }) do
    HTTP[version] = { transport = "raw_buffer", alpn = { version } }
end


local function look_for_tls(bytes)
    local hello = client_hello.parse(bytes)
    if hello then
        return { transport = "tls", sni = hello.sni, alpn = hello.alpn }
    end
    if hello == false then
        return UNKNOWN
    end
    if #bytes >= first_bytes.most then
        return TOO_LARGE
    end
end


local function look_for_http(bytes)
    local version = http_start.version(bytes)
    if version then
        return HTTP[version]
    end
    if version == false then
        return UNKNOWN
    end
end


-- TLS is told by the first bytes, so HTTP is looked for where it is not.
local function look_for_both(bytes)
    local tls = look_for_tls(bytes)
    if tls == UNKNOWN then
        return look_for_http(bytes)
    end
    return tls
end


local function looking_for(inspect)
    local tls, http
    for _, what in ipairs(inspect) do
        tls = tls or what == "tls"
        http = http or what == "http"
    end
    if tls and http then
        return look_for_both
    end
    return tls and look_for_tls or look_for_http
end


-- { transport = "tls"|"raw_buffer", sni, alpn = {...} } of the connection with this descriptor, as far as the listener
-- wants it to be looked at. Nil and why, if it is to be closed. May wait, and may end the connection.
function _M.of(fd, listener)
    local inspect = listener.inspect
    if not inspect or #inspect == 0 then
        return UNKNOWN
    end

    local found = first_bytes.await(fd, looking_for(inspect), listener.inspect_timeout, listener.continue_on_timeout)
    if found == TOO_LARGE then
        return nil, "its client hello is too large"
    end
    return found or UNKNOWN
end


return _M
