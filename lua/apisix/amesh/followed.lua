-- What workers tell the library of clusters whose endpoints' health it follows. Their upstreams have the label
-- amesh_health: the id of the cluster's own upstream. In the dictionary xds-config-version:
--   amesh/traffic/ID           something has been sent: until then endpoints are checked less often, as in Envoy
--   amesh/ejected/ID#HOST      until when an endpoint gets no requests (outlier detection); below zero, the same time,
--                              once the library has worked it into the nodes. The library takes it out, sooner when
--                              the endpoint's health check is good.
--   amesh/ejections/ID         another number with each ejection; amesh/ejections: with each of all
local zones = require("apisix.amesh.zones")

local ngx_now = ngx.now

local _M = {}

local LABEL = "amesh_health"
local TRAFFIC = "amesh/traffic/"
local EJECTED = "amesh/ejected/"
local EJECTIONS = "amesh/ejections"

-- what this worker has told
local told = {}


local function version_zone()
    local _, version = zones.find()
    return version
end


-- The id that an upstream is followed by; nil where it is not.
function _M.id_of(upstream)
    return upstream.labels and upstream.labels[LABEL]
end


-- Something is sent to an upstream.
function _M.sent(upstream)
    local id = _M.id_of(upstream)
    if not id or told[id] then
        return
    end

    local version = version_zone()
    if version then
        -- without room it is told with the next request
        told[id] = version:get(TRAFFIC .. id) ~= nil or version:set(TRAFFIC .. id, 1)
    end
end


local function count(version, key)
    version:set(key, (version:get(key) or 0) + 1)
end


-- An endpoint gets no requests for so many seconds.
function _M.ejected(id, host, seconds)
    local version = version_zone()
    if version then
        version:set(EJECTED .. id .. "#" .. host, ngx_now() + seconds)
        count(version, EJECTIONS .. "/" .. id)
        count(version, EJECTIONS)
    end
end


-- Whether an endpoint is ejected still, and whether the library has worked that into the nodes.
function _M.is_ejected(id, host)
    local version = version_zone()
    local till = version and version:get(EJECTED .. id .. "#" .. host)
    if not till then
        return false, false
    end
    return (till < 0 and -till or till) > ngx_now(), till < 0
end


return _M
