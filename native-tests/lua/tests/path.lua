-- Envoy's path normalisation.
local path = require("apisix.amesh.path")

local NORMAL = { normalize_path = true }

local CASES = {
    { "/cart", "/cart" },
    { "/", "/" },
    { "/cart?a=1&b=/../x", "/cart", "a=1&b=/../x" },
    { "/x/../cart", "/cart" },
    { "/x/./cart", "/x/cart" },
    { "/../cart", "/cart" },
    { "/x/..", "/" },
    { "/x/.", "/x/" },
    { "/a/b/../..", "/" },
    { "/a/b/../", "/a/" },
    { "/%63art", "/cart" },
    { "/%2e%2E/x", "/x" },
    { "/a/%2e/b", "/a/b" },
    { "/...", "/..." },
    { "/.hidden/..x", "/.hidden/..x" },
    { "/a%2Fb", "/a%2Fb" },
    { "/a%2fb", "/a%2fb" },
    { "/a%7eb", "/a~b" },
    { "/a%20b", "/a%20b" },
    { "/a//b", "/a//b" },
    { "//a/b", "//a/b" },
    { "/a\\b", "/a/b" },
    { "/a/..\\..\\b", "/b" },
    { "/\195\164", "/%C3%A4" },
    { "/a%zzb", "/a%zzb" },
    { "/a;b=c", "/a;b=c" },
    { "/a|b", "/a%7Cb" },
    { "/a%", "/a%" },
}

return function(test, check)
    for _, case in ipairs(CASES) do
        test("normalised: " .. case[1], function()
            local normal, query = path.normalize(case[1], NORMAL)
            check.equal(normal, case[2])
            check.equal(query, case[3])
        end)
    end

    test("nothing is normalised unless the listener asks", function()
        check.equal((path.normalize("/x/../%63//d", {})), "/x/../%63//d")
        check.equal((path.normalize("/x/../%63", nil)), "/x/../%63")
    end)

    test("slashes are merged after everything else", function()
        check.equal((path.normalize("/a//b///c/..//d", { normalize_path = true, merge_slashes = true })), "/a/b/d")
    end)

    test("a fragment or an encoded zero byte is refused", function()
        check.equal({ path.normalize("/a#b", NORMAL) }, { nil, 400 })
        check.equal({ path.normalize("/a%00", NORMAL) }, { nil, 400 })
    end)

    test("escaped slashes are kept, refused, resolved or redirected", function()
        local function with(action)
            return path.normalize("/a%2f..%5Cb?x=%2f", { normalize_path = true, escaped_slashes = action })
        end
        check.equal((with("keep")), "/a%2f..%5Cb")
        check.equal({ with("reject") }, { nil, 400 })
        check.equal({ with("unescape_forward") }, { "/b", "x=%2f" })
        check.equal({ with("unescape_redirect") }, { nil, 307, "/b?x=%2f" })
        check.equal((path.normalize("/a/b", { escaped_slashes = "reject" })), "/a/b")
    end)

    test("query parameters: the first of a name, undecoded", function()
        check.equal(path.query_parameter("a=1&b=%32&a=3", "a"), "1")
        check.equal(path.query_parameter("a=1&b=%32&a=3", "b"), "%32")
        check.equal(path.query_parameter("x&y=", "x"), "")
        check.equal(path.query_parameter("x&y=", "y"), "")
        check.equal(path.query_parameter("v=a=b", "v"), "a=b")
        check.equal(path.query_parameter("x", "z"), nil)
        check.equal(path.query_parameter(nil, "z"), nil)
    end)
end
