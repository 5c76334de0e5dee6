-- What apisix.sh looks for after a reload.
local mesh, writer = require("mesh"), require("writer")
local named = require("named")

return function(test, check)
    test("a mesh is left in the zones", function()
        writer.replace(mesh.of(
            named("one", { "one" }), named("any", { "*" }), mesh.listener("l", 0, "80"),
            mesh.upstream("a", { "127.1.0.1" }),
            { "/stream_routes/s", { id = "s", server_port = 9100, upstream_id = "a" } },
            { "/routes/plain", { id = "plain", uri = "/*", hosts = { "plain.test" }, upstream_id = "a",
                                 plugins = { amesh = { direct_response = { status = 200, body = "plain" } } } } }))
        check.truthy(writer.number() > 0)
    end)
end
