-- Whether a request waits for its body. Envoy sends bodies on while they come, and keeps what has gone, up to a limit,
-- for further tries and copies. nginx keeps it in memory for a client of HTTP/1, where it can be found again
-- (kept_body.lua) once it is whole; of HTTP/2 nothing is kept. So there a body is waited for where something needs it,
-- and it ends soon enough:
--   known length      up to the limit: it is waited for; beyond, Envoy would not keep it, either
--   unknown length    it is waited for a few milliseconds, for most have come by then
-- ngx_lua before 0.10.27 cannot take in bodies of unknown length of HTTP/2; nginx does so itself with what is whole.
local headers = require("apisix.amesh.headers")
local kept_body = require("apisix.amesh.kept_body")
local listeners = require("apisix.amesh.listeners")
local request_fields = require("apisix.amesh.request_fields")

local huge = math.huge
local ipairs = ipairs
local min = math.min
local ngx_var = ngx.var
local pcall = pcall
local read_body = ngx.req.read_body
local sleep = ngx.sleep
local tonumber = tonumber

local _M = {}

-- Envoy's buffers where the mesh says nothing of them
local LIMIT = 1048576
-- seconds to wait for the end of a stream, one after the other
local WAITS = { 0, 0.001, 0.002, 0.004, 0.008 }


-- Access phase; waits for the whole body. False when it cannot be taken in here.
function _M.read()
    return (pcall(read_body))
end


-- How much of a body Envoy would keep: what the route says, but not more than its listener.
function _M.limit(ctx, conf)
    local _, listener = listeners.chain(ctx)
    local limit = listener and listener.buffer_limit or LIMIT
    if limit == 0 then
        limit = huge
    end
    return conf.body_limit and min(conf.body_limit, limit) or limit
end


local function has_stream_ended()
    for _, pause in ipairs(WAITS) do
        if request_fields.stream_has_ended() ~= false then
            break
        end
        sleep(pause)
    end
    return request_fields.stream_has_ended() == true
end


-- length: nil when it is not known.
local function wait(length, limit)
    if length then
        return length <= limit and _M.read()
    end
    if not has_stream_ended() then
        return false
    end

    _M.read()
    return true
end


-- Access phase; may wait. is_needed: is there anything to be done with the body besides sending it on? First value: is
-- it there, or is there none? Otherwise the rest of it comes while it is sent. Second: what finds it once it is whole.
function _M.settle(ctx, conf, is_needed)
    local length = tonumber(headers.value(ctx, "content-length") or "")
    local has_one = length or headers.value(ctx, "transfer-encoding") or ngx_var.server_protocol == "HTTP/2.0"
    -- the last: another plugin has taken it in
    if not has_one or length == 0 or request_fields.is_being_read() then
        return true
    end

    if not is_needed then
        return false
    end

    local limit = _M.limit(ctx, conf)
    local kept = (length or 0) <= limit and kept_body.begin(length)
    if not kept then
        return wait(length, limit)
    elseif not kept.is_whole then
        return false, kept
    end
    return kept.size <= limit and _M.read()
end


-- The body of a request that has been sent on while it came; nil as long as it is not whole, or when it is not kept.
function _M.kept(ctx)
    local state = ctx.amesh
    return state.kept and kept_body.whole(state.kept, _M.limit(ctx, state.conf))
end


return _M
