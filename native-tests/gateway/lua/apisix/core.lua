-- A double of apisix.core: the parts that Amesh's Lua code uses, under APISIX's names.
local config = require("apisix.core.config_xds")
config.type = "xds"

return {
    log = require("apisix.core.log"),
    config = config,
    config_util = require("apisix.core.config_util"),
    json = require("apisix.core.json"),
    table = require("apisix.core.table"),
    tablepool = require("apisix.core.tablepool"),
    response = require("apisix.core.response"),
    schema = require("apisix.core.schema"),
    string = require("apisix.core.string"),
    ctx = require("apisix.core.ctx"),
    utils = require("apisix.core.utils"),
}
