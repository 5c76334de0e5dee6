-- Long work in slices: a worker that reads a whole mesh goes on serving in between.
local ngx = ngx
local ngx_now = ngx.now
local ngx_sleep = ngx.sleep
local update_time = ngx.update_time

local _M = {}

-- seconds that a worker may be busy with a slice
local SLICE = 0.01
-- steps between looks at the clock
local STEPS = 64


-- For phases in which nothing can wait.
function _M.none()
end


-- A function to be called once per small step of the work. Only where ngx.sleep works.
function _M.new()
    update_time()
    local began = ngx_now()
    local steps = 0

    return function()
        steps = steps + 1
        if steps < STEPS then
            return
        end

        steps = 0
        update_time()
        if ngx_now() - began >= SLICE then
            ngx_sleep(0)
            update_time()
            began = ngx_now()
        end
    end
end


return _M
