-- Not a test by itself: what apisix.sh looks for after a reload.
local mesh, writer = require("mesh"), require("writer")

return function(test, check)
    test("a stream route is there", function()
        writer.replace(mesh.of(mesh.upstream("a", { "127.1.0.1" }),
                               { "/stream_routes/s", { id = "s", server_port = 9100, upstream_id = "a" } }))
        check.truthy(writer.number() > 0)
    end)
end
