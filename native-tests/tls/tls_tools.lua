-- What tests of TLS have in common: secrets made of the run's certificates, and programs that are clients.
local pipe = require("ngx.pipe")

local _M = { folder = os.getenv("AMESH_TEST_CERTIFICATES"), spiffe = "spiffe://cluster.local/ns/default/sa/" }


function _M.read(name)
    local file = assert(io.open(_M.folder .. "/" .. name, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end


-- The secret `id` with the certificate of this name.
function _M.identity(id, name)
    return { "/amesh_secrets/" .. id, { id = id, name = id, certificate = _M.read(name .. ".pem"),
                                        key = _M.read(name .. ".key") } }
end


function _M.authority(id, name)
    return { "/amesh_secrets/" .. id, { id = id, name = id, ca = _M.read(name .. ".pem") } }
end


-- What a command writes, in the folder of certificates.
function _M.shell(command)
    local process = assert(pipe.spawn({ "sh", "-c", "cd " .. _M.folder .. "; exec 2>&1; " .. command }))
    process:set_timeouts(nil, 20000, 20000, 20000)
    local output = process:stdout_read_all()
    process:wait()
    return output or ""
end


-- The subject of the certificate that a server shows to `openssl s_client`, and all that this writes.
function _M.subject(address, options)
    local output = _M.shell("openssl s_client -connect " .. address .. " " .. (options or "") .. " </dev/null")
    return output:match("\nsubject=%s*([^\n]*)"), output
end


-- Options of openssl and curl: the client's own certificate.
function _M.as(name)
    return " -cert " .. name .. ".pem -key " .. name .. ".key "
end


return _M
