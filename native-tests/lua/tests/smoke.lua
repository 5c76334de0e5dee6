local mesh, writer, client = require("mesh"), require("writer"), require("client")

return function(test, check)
    test("a request goes to the route's upstream", function()
        writer.replace(mesh.of(
            mesh.upstream("reviews", mesh.addresses),
            mesh.virtual_host("reviews", "9080", { "reviews", "reviews:9080" },
                              { { id = "r1", upstream_id = "reviews", plugin = { attempt_count = true } } }),
            mesh.listener("l1", 9080, "9080")))
        local answer = client.send({ path = "/x/../y%63?a=1", headers = { ["x-forwarded-for"] = "1.2.3.4" } })
        check.equal(answer.status, 200, "status")
        check.equal(answer.seen.path, "/yc?a=1", "path")
        check.equal(answer.seen.headers["x-forwarded-for"], "1.2.3.4")
        check.equal(answer.seen.headers["x-envoy-attempt-count"], "1")
    end)
end
