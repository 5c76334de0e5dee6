-- A change right after a reload: what was read ahead is brought up to date.
local mesh, writer = require("mesh"), require("writer")
local named = require("named")

return function(test, check)
    test("the mesh changes", function()
        writer.commit(mesh.of(named("two", { "two" })), { "/virtual_hosts/one", "/routes/r-one" })
        check.truthy(writer.number() > 0)
    end)
end
