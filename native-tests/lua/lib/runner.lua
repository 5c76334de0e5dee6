-- Runs a file of tests inside the gateway's nginx: GET /test/NAME runs tests/NAME.lua.
local ngx = ngx
local _M = {}

local function describe(value)
    return type(value) == "string" and string.format("%q", value) or require("cjson.safe").encode(value)
           or tostring(value)
end

local check = {}

function check.equal(got, wanted, what)
    if describe(got) ~= describe(wanted) then
        error((what or "value") .. ": wanted " .. describe(wanted) .. ", got " .. describe(got), 2)
    end
end

function check.truthy(got, what)
    if not got then
        error((what or "value") .. " should be true, got " .. describe(got), 2)
    end
end

-- A share of n draws with probability p: within four standard deviations.
function check.share(count, n, p, what)
    local slack = 4 * math.sqrt(n * p * (1 - p)) + 0.5
    if math.abs(count - n * p) > slack then
        error(string.format("%s: wanted %.0f +- %.0f of %d, got %d", what or "share", n * p, slack, n, count), 2)
    end
end

function _M.run()
    local name = ngx.var.uri:match("^/test/([%w_]+)$")
    local passed, failed = 0, 0
    local function test(title, fun)
        local ok, err = xpcall(fun, function(e)
            return type(e) == "string" and e or debug.traceback(tostring(e))
        end)
        if ok then
            passed = passed + 1
        else
            failed = failed + 1
            ngx.say("FAILED ", name, ": ", title, ": ", err)
            ngx.flush()
        end
    end

    local ok, err = pcall(function()
        local file = dofile(package.searchpath("tests." .. name, package.path)
                            or package.searchpath("steps." .. name, package.path))
        file(test, check)
    end)
    if not ok then
        failed = failed + 1
        ngx.say("FAILED ", name, ": ", err)
    end
    ngx.say(passed, " passed, ", failed, " failed")
end

return _M
