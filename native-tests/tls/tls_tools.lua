-- What tests of TLS have in common: secrets and contexts made of the run's certificates, and programs that are clients.
local pipe = require("ngx.pipe")
local ngx = ngx

local SPIFFE = "spiffe://cluster.local/ns/default/sa/"

local _M = {
    folder = os.getenv("AMESH_TEST_CERTIFICATES"),
    spiffe = SPIFFE,
    -- the names of endpoints that hold
    ratings = { { type = "uri", exact = SPIFFE .. "ratings" } },
}


-- The object, changed: ngx.null takes a field away.
function _M.with(object, changes)
    for name, value in pairs(changes or {}) do
        if value == ngx.null then
            value = nil
        end
        object[name] = value
    end
    return object
end


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


-- How TLS is spoken with ratings, whose authority is the secret "ca".
function _M.context(id, changes)
    return { "/tls_contexts/" .. id, _M.with({ id = id, name = id, validation = "ca", sans = _M.ratings }, changes) }
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
    return " --cert " .. name .. ".pem --key " .. name .. ".key "
end


-- What the endpoint of raw_endpoint.lua answers to `openssl s_client`, which says its words and leaves ("" for
-- nothing), and all that this writes.
function _M.talk(address, endpoint, options)
    local output = _M.shell("printf 'word\\nbye\\n' | openssl s_client -quiet -connect " .. address .. " "
                            .. options)
    local said = {}
    for line in output:gmatch("[^\r\n]+") do
        if line == "hello " .. endpoint or line == "word" or line == "bye" then
            said[#said + 1] = line
        end
    end
    return table.concat(said, ", "), output
end


-- Whether an endpoint of that kind repeats a word on an open connection.
function _M.hears(socket, word)
    socket:send(word .. "\n")
    return socket:receive("*l") == word
end


-- Does something many times at once. An error in one is the test's.
function _M.at_once(times, work)
    local threads = {}
    for index = 1, times do
        threads[index] = ngx.thread.spawn(work, index)
    end
    for _, thread in ipairs(threads) do
        local ok, err = ngx.thread.wait(thread)
        assert(ok, err)
    end
end


return _M
