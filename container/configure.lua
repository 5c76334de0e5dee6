-- Writes the container's config.yaml to standard output: files laid over each other, then what the pod says.
--   luajit configure.lua FOLDER FILE...
-- FOLDER is where Amesh is. What is written is JSON, which is YAML as well: no doubt what is text and what a number.
local lyaml = require("lyaml")
local json = require("cjson.safe")

local TOKEN = "/var/run/secrets/tokens/istio-token"
local ROOT_CERTIFICATE = "/var/run/secrets/istio/root-cert.pem"
local AGENT = "/etc/istio/proxy/XDS"
-- APISIX's worker_rlimit_nofile; workers say that they must not where it is more than they may.
local APISIX_FILES = 20480

-- What the library makes the proxy's node of; nginx hides all of the environment that is not named.
local NAMES = { HOME = true }
for name in ([[POD_NAME POD_NAMESPACE INSTANCE_IP SERVICE_ACCOUNT NODE_NAME CLUSTER_ID MESH_ID NETWORK WORKLOAD_NAME
               INTERCEPTION_MODE ISTIO_VERSION DNS_DOMAIN DOMAIN_SUFFIX PROXY_TYPE]]):gmatch("%S+") do
    NAMES[name] = true
end
local PREFIXES = { "^AMESH_", "^ISTIO_META_", "^ISTIO_METAJSON_", "^DOTNET_" }


local function fail(...)
    io.stderr:write("amesh-proxy: ", ...)
    io.stderr:write("\n")
    os.exit(1)
end


local function say(...)
    io.stderr:write("amesh-proxy: ", ...)
    io.stderr:write("\n")
end


local function read(path)
    local file, err = io.open(path, "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    return text, err
end


-- A path of the pod's; tests have them in a folder.
local function place(path)
    return (os.getenv("AMESH_ROOT") or "") .. path
end


local function is_there(path)
    return read(path) ~= nil
end


-- Values by name; an empty one is as none.
local function environment()
    local all = {}
    for name, value in read("/proc/self/environ"):gmatch("([^=%z]+)=([^%z]*)") do
        all[name] = value ~= "" and value or nil
    end
    return all
end


local function is_mapping(value)
    return type(value) == "table" and value ~= lyaml.null and value[1] == nil
end


local function lay_over(under, over)
    for key, value in pairs(over) do
        if value == lyaml.null then
            under[key] = nil
        elseif is_mapping(value) and is_mapping(under[key]) then
            lay_over(under[key], value)
        elseif is_mapping(value) then
            under[key] = lay_over({}, value)
        else
            under[key] = value
        end
    end
    return under
end


local function load(file)
    local text, err = read(file)
    if not text then
        fail("cannot read the configuration: ", err)
    end

    local ok, config = pcall(lyaml.load, text)
    if not ok or not is_mapping(config) then
        fail(file, " is no configuration: ", ok and "not a mapping" or tostring(config))
    end
    return config
end


-- The mapping at a path, made where it is not there.
local function at(config, ...)
    for _, name in ipairs({ ... }) do
        config[name] = config[name] or {}
        config = config[name]
    end
    return config
end


-- PROXY_CONFIG is Istio's, as its injector writes it: JSON, or YAML by hand.
local function proxy_config(env)
    if not env.PROXY_CONFIG then
        return {}
    end

    local config = json.decode(env.PROXY_CONFIG)
    if type(config) ~= "table" then
        local ok, parsed = pcall(lyaml.load, env.PROXY_CONFIG)
        if not ok or not is_mapping(parsed) then
            fail("PROXY_CONFIG is neither JSON nor YAML of a mapping")
        end
        config = parsed
    end
    return config
end


-- TLS to the control plane as Istio's agent has it: the root certificate that is mounted, and the pod's token, read
-- for every stream, since it is replaced every few hours. It is sent inside TLS and nowhere else.
local function add_tls(amesh, env)
    if not env.AMESH_CA and not amesh.ca and is_there(place(ROOT_CERTIFICATE)) then
        amesh.ca = place(ROOT_CERTIFICATE)
    end

    local token = env.AMESH_TOKEN or place(TOKEN)
    if token ~= "off" and is_there(token) then
        local headers = at(amesh, "headers")
        headers.authorization = headers.authorization or "Bearer @" .. token
        headers.clusterid = headers.clusterid or env.ISTIO_META_CLUSTER_ID or "Kubernetes"
    end
end


local function set_source(amesh, env, proxy)
    if not amesh.source and not env.AMESH_SOURCE then
        if env.AMESH_AGENT then
            amesh.source = "unix:" .. AGENT
        elseif proxy.discoveryAddress then
            amesh.source = (is_there(place(ROOT_CERTIFICATE)) and "grpcs://" or "grpc://") .. proxy.discoveryAddress
        else
            fail("no control plane: set AMESH_SOURCE, for example to grpcs://istiod.istio-system.svc:15012")
        end
        say("the control plane is ", amesh.source)
    end

    if (amesh.source or env.AMESH_SOURCE):find("^grpcs:") then
        add_tls(amesh, env)
    end
end


local function workers(env, proxy)
    local wanted = env.AMESH_WORKERS or env.AMESH_CONCURRENCY or proxy.concurrency or env.ISTIO_CPU_LIMIT
    if wanted == "auto" or tonumber(wanted) == 0 then
        return "auto"
    end
    return wanted and tonumber(wanted)
end


local function set_names(nginx, env)
    local listed, more = {}, {}
    nginx.envs = nginx.envs or {}
    for _, name in ipairs(nginx.envs) do
        listed[name] = true
    end
    for name in pairs(env) do
        local wanted = NAMES[name]
        for _, prefix in ipairs(PREFIXES) do
            wanted = wanted or name:find(prefix)
        end
        if wanted and not listed[name] then
            more[#more + 1] = name
        end
    end
    table.sort(more)
    for _, name in ipairs(more) do
        nginx.envs[#nginx.envs + 1] = name
    end
end


-- A kernel without IPv6 refuses the sockets, and nginx would not start.
local function without_ipv6(nginx)
    for _, name in ipairs({ "stream_configuration_snippet", "http_configuration_snippet" }) do
        nginx[name] = nginx[name] and nginx[name]:gsub("[ \t]*listen %[::%]:[^\n]*\n", "")
    end
end


local function replace(value, from, to)
    if type(value) == "string" then
        return (value:gsub(from, to))
    elseif type(value) == "table" and value ~= lyaml.null then
        for key, member in pairs(value) do
            value[key] = replace(member, from, to)
        end
    end
    return value
end


local function main(folder, ...)
    local env = environment()
    local proxy = proxy_config(env)
    local config = {}
    for _, file in ipairs({ ... }) do
        lay_over(config, load(file))
    end

    local amesh = at(config, "plugin_attr", "amesh")
    set_source(amesh, env, proxy)

    local nginx = at(config, "nginx_config")
    nginx.worker_processes = workers(env, proxy) or nginx.worker_processes
    nginx.error_log_level = env.AMESH_LOG_LEVEL or nginx.error_log_level
    local files = tonumber(env.FILES)
    if files and files < (nginx.worker_rlimit_nofile or APISIX_FILES) then
        nginx.worker_rlimit_nofile = files
    end
    local log = env.AMESH_ACCESS_LOG
    if log == "off" then
        at(nginx, "http").enable_access_log = false
    elseif log then
        at(nginx, "http").access_log = log
    end
    set_names(nginx, env)
    if not is_there(place("/proc/net/if_inet6")) then
        without_ipv6(nginx)
    end

    if env.AMESH_AGENT then
        local port = tonumber(env.ENVOY_PROMETHEUS_PORT) or 15092
        at(config, "plugin_attr", "prometheus").export_addr = { ip = "127.0.0.1", port = port }
    end
    if folder ~= "/usr/local/amesh" then
        replace(config, "/usr/local/amesh", (folder:gsub("%%", "%%%%")))
    end

    -- not every reader of YAML knows "\/"
    io.write((assert(json.encode(config)):gsub("\\/", "/")), "\n")
end


main(...)
