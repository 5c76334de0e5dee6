-- A worker that ends in a reload takes no new connections and goes on answering on those that it has, for minutes
-- (amesh-reload.conf, worker_shutdown_timeout). It does not follow the configuration meanwhile: what runs in the
-- background keeps a worker from ending. So it looks when something comes.
local _M = {}
local look


-- Nothing follows the configuration any more; `catch_up` applies what has been committed since.
function _M.begin(catch_up)
    look = catch_up
end


-- Before what comes is decided: the mesh may be another than when the worker began to end.
function _M.catch_up()
    if look then
        look()
    end
end


return _M
