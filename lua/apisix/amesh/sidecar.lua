-- What a pod asks the proxy in it: the kubelet whether it is ready, and Istio's agent what it would ask an Envoy
-- (container/config.yaml has the servers).
local core = require("apisix.core")

local ngx = ngx
local max = math.max

local _M = {}


-- A mesh is there, of the control plane or of the last good state, and the worker that answers has it.
local function has_mesh()
    local config = core.config
    return config.process_status and config.process_status().applied > 0
end


-- 200 when requests are served as the mesh wants it; else 503 and why.
function _M.ready()
    if has_mesh() then
        return ngx.print("ready\n")
    end

    local config = core.config
    ngx.status = 503
    ngx.print(config.library_error and config.library_error() or "nothing has come from the control plane yet", "\n")
end


-- The counters that Istio's agent reads to know whether its Envoy is ready, and how many connections are open while it
-- ends. Connections are all that nginx has but the one that asks.
function _M.stats()
    local there = has_mesh() and 1 or 0
    ngx.header.content_type = "text/plain"
    ngx.print("cluster_manager.cds.update_success: ", there, "\n",
              "cluster_manager.cds.update_rejected: 0\n",
              "listener_manager.lds.update_success: ", there, "\n",
              "listener_manager.lds.update_rejected: 0\n",
              "listener_manager.workers_started: 1\n",
              "listener.captured.downstream_cx_active: ", max(0, ngx.var.connections_active - 1), "\n",
              "server.state: 0\n")
end


return _M
