-- HTTP/2 towards endpoints from a worker's first connections on, when no cluster has a client certificate.
local mesh, writer, client = require("mesh"), require("writer"), require("client")
local count = require("tls_endpoint").count
local tools = require("tls_tools")

local HOLDS, STRANGER, OTHER_NAME = "127.2.0.1", "127.2.0.4", "127.2.0.2"


local function objects()
    local all = {
        tools.authority("ca", "mesh"),
        tools.context("t", { sni = "ratings", alpn = { "kuma", "h2" } }),
    }
    local routes = {}
    for _, address in ipairs({ HOLDS, STRANGER, OTHER_NAME }) do
        all[#all + 1] = mesh.upstream(address, { { address, 1, 18443 } },
                                      { scheme = "https", labels = { amesh_tls = "t", amesh_http2 = "true" } })
        routes[#routes + 1] = { id = "r" .. address, upstream_id = address,
                                vars = { { "amesh_path", "==", "/" .. address } } }
    end
    return mesh.of(all, mesh.virtual_host("v", "80", { "*" }, routes), mesh.listener("l", 0, "80"))
end


return function(test, check)
    test("HTTP/2 without a client certificate, a worker's first connections: all at once, good and bad", function()
        writer.replace(objects())
        local addresses, answers = { STRANGER, HOLDS, OTHER_NAME }, {}
        tools.at_once(12, function(index)
            local address, round = addresses[(index - 1) % 3 + 1], math.ceil(index / 3)
            local answer = client.send({ to = client.gateway, host = "ratings:9080", path = "/" .. address })
            answers[address .. " " .. round] = answer
        end)
        for round = 1, 4 do
            local good = answers[HOLDS .. " " .. round]
            check.equal(good.status, 200)
            check.equal(good.seen.version, "HTTP/2.0")
            check.equal(good.seen.alpn, "h2")
            check.equal(good.seen.peer, nil, "what stands in is not shown")
            for _, bad in ipairs({ STRANGER, OTHER_NAME }) do
                check.equal(answers[bad .. " " .. round].status, 503, bad)
                check.equal(count(bad .. ":18443"), 0, "requests that reached " .. bad)
            end
        end
    end)

    test("HTTP/2 without a client certificate, the connections after those", function()
        local answer = client.send({ to = client.gateway, host = "ratings:9080", path = "/" .. HOLDS })
        check.equal(answer.status, 200)
        check.equal(answer.seen.peer, nil)
        check.equal(client.send({ to = client.gateway, host = "ratings:9080", path = "/" .. STRANGER }).status, 503)
    end)
end
