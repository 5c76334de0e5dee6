-- Waits for a condition, with patience for a slow machine.
local ngx = ngx

local PATIENCE = 20

local _M = {}

-- Returns what holds() returns once that is true; an error where it does not come to it.
function _M.until_holds(holds, what)
    local deadline = ngx.now() + PATIENCE
    while true do
        local value = holds()
        if value then
            return value
        end
        if ngx.now() > deadline then
            error((what or "what is waited for") .. " does not come", 2)
        end
        ngx.sleep(0.02)
        ngx.update_time()
    end
end

return _M
