-- The state of the mesh's configuration as one table: what the library says, what is in the zone, what this worker
-- has. The control API, the metrics and the test gateway show it.
local core = require("apisix.core")

local _M = {}


-- The library's own status; nil where none has written one.
function _M.library()
    local config = core.config
    local text = config.library_status and config.library_status()
    return text and core.json.decode(text)
end


-- Everything; nil when APISIX runs with another provider.
function _M.all()
    local config = core.config
    if not config.process_status then
        return nil
    end

    local status = config.process_status()
    status.library = _M.library()
    status.library_error = config.library_error()
    status.objects = config.count_objects()
    status.stream = config.stream_status()
    return status
end


return _M
