-- Which filter chain takes a connection: Envoy's ranking, listener by listener.
local mesh, writer = require("mesh"), require("writer")
local filter_chains = require("apisix.amesh.filter_chains")
local prefix_table = require("apisix.amesh.prefix_table")

local function listener(id, address, port, fields)
    local object = { id = id, name = id, address = address, port = port, chains = {} }
    for name, value in pairs(fields) do
        object[name] = value
    end
    return { "/listeners/" .. id, object }
end

local function chain(name, fields)
    local object = { name = name, stream_route = name }
    for field, value in pairs(fields or {}) do
        object[field] = value
    end
    return object
end

local function connection(fields)
    local about = { local_port = 15001, destination_ip = "10.0.0.1", destination_port = 80, source_ip = "10.9.9.9",
                    source_port = 40000, transport = "raw_buffer" }
    for name, value in pairs(fields) do
        about[name] = value
    end
    return about
end

-- name of the chain; "none" when no chain takes it, "no listener" when there is none
local function taken(fields)
    local found, object = filter_chains.match(connection(fields))
    return found and found.name or object and "none" or "no listener"
end

local OUTBOUND = { bound = true, original_dst = "handoff", direction = "outbound" }

local function outbound(chains)
    local fields = { chains = chains }
    for name, value in pairs(OUTBOUND) do
        fields[name] = value
    end
    return listener("virtualOutbound", "0.0.0.0", 15001, fields)
end

return function(test, check)
    test("the longest range holds, IPv4 and IPv6", function()
        local ranges = prefix_table.new()
        for _, prefix in ipairs({ "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "10.1.2.128/25", "0.0.0.0/0", "fd00::/16",
                                  "fd00:1::/32", "fd00:1::7/128" }) do
            ranges:put(prefix, prefix)
        end
        local function of(ip)
            return ranges:find(ip) or "none"
        end
        check.equal(of("10.2.0.0"), "10.0.0.0/8")
        check.equal(of("10.1.255.255"), "10.1.0.0/16")
        check.equal(of("10.1.2.3"), "10.1.2.3/32")
        check.equal(of("10.1.2.127"), "10.1.0.0/16")
        check.equal(of("10.1.2.128"), "10.1.2.128/25")
        check.equal(of("10.1.2.255"), "10.1.2.128/25")
        check.equal(of("::ffff:10.1.2.3"), "10.1.2.3/32")
        check.equal(of("11.0.0.1"), "0.0.0.0/0")
        check.equal(of("fd00:1::7"), "fd00:1::7/128")
        check.equal(of("fd00:1::8"), "fd00:1::/32")
        check.equal(of("fd00:2::8"), "fd00::/16")
        check.equal(of("fe00::1"), "none")
        ranges:put("10.1.2.3/32", nil)
        check.equal(of("10.1.2.3"), "10.1.0.0/16")
        ranges:put(nil, "any")
        check.equal(of("fe00::1"), "any")
        for _, prefix in ipairs({ "10.0.0.0/8", "10.1.0.0/16", "10.1.2.128/25", "0.0.0.0/0", "fd00::/16", "fd00:1::/32",
                                  "fd00:1::7/128" }) do
            ranges:put(prefix, nil)
        end
        ranges:put("no range", "x")
        ranges:put("10.0.0.0/33", "x")
        check.equal(of("10.1.2.3"), "any")
        ranges:put(nil, nil)
        check.truthy(ranges:is_empty())
    end)

    test("a captured connection is the listener's for its destination, else the one's that it arrived at", function()
        writer.replace(mesh.of(
            outbound({ chain("passthrough") }),
            listener("black", "0.0.0.0", 15001, { bound = true, original_dst = "handoff", direction = "outbound",
                                                  destination_port = 15001, chains = { chain("blackhole") } }),
            listener("vip", "10.0.0.1", 80, { chains = { chain("vip") } }),
            listener("port", "0.0.0.0", 80, { chains = { chain("port") } }),
            listener("v6", "fd00::1", 80, { chains = { chain("v6") } }),
            listener("inbound", "0.0.0.0", 15006, { bound = true, original_dst = "restore", direction = "inbound",
                                                    chains = { chain("inbound") } }),
            listener("gateway", "127.0.0.9", 8080, { bound = true, chains = { chain("gateway") } })))
        check.equal(taken({}), "vip")
        check.equal(taken({ destination_ip = "10.0.0.2" }), "port")
        check.equal(taken({ destination_ip = "fd00::1" }), "v6")
        check.equal(taken({ destination_ip = "fd00::2" }), "port")
        check.equal(taken({ destination_port = 81 }), "passthrough")
        check.equal(taken({ destination_port = 15001 }), "blackhole")
        check.equal(taken({ local_port = 15006 }), "inbound")
        check.equal(taken({ local_port = 15006, destination_port = 15001 }), "inbound")
        check.equal(taken({ local_port = 9999 }), "vip", "a port that the mesh does not know")
        check.equal(taken({ local_port = 9999, destination_port = 81 }), "passthrough")
        check.equal(taken({ local_port = 8080, destination_ip = "127.0.0.9", destination_port = 8080,
                            captured = false }), "gateway")
        check.equal(taken({ destination_ip = "127.0.0.1", destination_port = 15001, captured = false }), "no listener")
        check.equal(taken({ destination_ip = "127.0.0.1", destination_port = 80, captured = false, by_name = true }),
                    "port")
        check.truthy(filter_chains.has("127.0.0.9", 8080))
        check.truthy(not filter_chains.has("127.0.0.1", 15001))
        check.truthy(filter_chains.is_for_others(15006) and not filter_chains.is_for_others(8080))
    end)

    test("the client's end is asked for by chains that depend on it, and by no others", function()
        writer.replace(mesh.of(outbound({ chain("any") }),
            listener("range", "0.0.0.0", 81, { chains = { chain("near", { source_prefixes = { "10.9.0.0/16" } }),
                                                          chain("far") } }),
            listener("port", "0.0.0.0", 82, { chains = { chain("one", { source_ports = { 40000 } }),
                                                         chain("rest") } })))
        local asked
        local function to(port, ip, source_port)
            asked = ""
            local about = connection({ destination_port = port })
            about.source_ip, about.source_port = nil, nil
            setmetatable(about, { __index = function(_, field)
                if field == "source_ip" or field == "source_port" then
                    asked = asked .. field .. " "
                end
                return ({ source_ip = ip, source_port = source_port })[field]
            end })
            return filter_chains.match(about).name
        end
        check.equal(to(80, "10.9.9.9", 40000), "any")
        check.equal(asked, "")
        check.equal(to(81, "10.9.9.9", 40000), "near")
        check.equal(asked, "source_ip ")
        check.equal(to(81, "10.8.9.9", 40000), "far")
        check.equal(to(82, "10.9.9.9", 40000), "one")
        check.equal(asked, "source_port ")
        check.equal(to(82, "10.9.9.9", 40001), "rest")
    end)

    test("what is known of a destination goes with the listeners that it was known by", function()
        local vip = { chains = { chain("old") } }
        writer.replace(mesh.of(outbound({ chain("passthrough") }), listener("vip", "10.0.0.1", 80, vip)))
        check.equal(taken({}), "old")
        check.equal(taken({}), "old")
        vip.chains = { chain("new") }
        writer.replace(mesh.of(outbound({ chain("passthrough") }), listener("vip", "10.0.0.1", 80, vip)))
        check.equal(taken({}), "new")
        writer.replace(mesh.of(outbound({ chain("passthrough") })))
        check.equal(taken({}), "passthrough")
    end)

    test("without a listener that hands on, only those with the very address", function()
        writer.replace(mesh.of(listener("one", "127.0.0.1", 20001, { bound = true, chains = { chain("one") } })))
        check.equal(taken({ destination_ip = "127.0.0.1", destination_port = 20001 }), "one")
        check.equal(taken({ destination_ip = "127.0.0.1", destination_port = 20002 }), "no listener")
        check.equal(taken({ destination_ip = "127.0.0.2", destination_port = 20001 }), "no listener")
    end)

    test("a port with chains of its own leaves nothing to the chains for any port", function()
        local head = { bound = true, original_dst = "restore", direction = "inbound", inspect = { "tls" } }
        local function of(id, fields)
            for name, value in pairs(head) do
                fields[name] = value
            end
            return listener(id, "0.0.0.0", 15006, fields)
        end
        local objects = {
            of("any", { chains = { chain("any", { transport = "raw_buffer" }) }, default_chain = chain("default") }),
            of("wide", { destination_prefix = "10.0.0.0/8", chains = { chain("wide", { transport = "tls" }) } }),
            of("p", { destination_port = 80, destination_prefix = "10.0.0.0/8", chains = { chain("p8") } }),
            of("q", { destination_port = 80, destination_prefix = "10.1.0.0/16",
                      chains = { chain("p16", { transport = "tls" }) } }),
        }
        writer.replace(mesh.of(unpack(objects)))
        local function to(ip, port, more)
            local fields = { local_port = 15006, destination_ip = ip, destination_port = port }
            for name, value in pairs(more or {}) do
                fields[name] = value
            end
            return taken(fields)
        end
        check.equal(to("10.2.0.1", 80), "p8")
        check.equal(to("10.1.0.1", 80, { transport = "tls" }), "p16")
        check.equal(to("10.1.0.1", 80), "default", "the longest prefix decides alone")
        check.equal(to("11.0.0.1", 80), "default", "no prefix of the port")
        check.equal(to("11.0.0.1", 81), "any")
        check.equal(to("10.0.0.1", 81, { transport = "tls" }), "wide")
        check.equal(to("10.0.0.1", 81), "default")

        table.remove(objects[1][2].chains)
        objects[1][2].chains = setmetatable({}, require("cjson").array_mt)
        objects[1][2].default_chain = nil
        writer.replace(mesh.of(unpack(objects)))
        check.equal(to("11.0.0.1", 80), "none")
        check.equal(to("11.0.0.1", 81), "none")
    end)

    test("server name before transport before application protocol, each decides alone", function()
        local chains = {
            chain("exact", { server_names = { "a.b.test" } }),
            chain("wild", { server_names = { "*.b.test" }, alpn = { "h2" } }),
            chain("wilder", { server_names = { "*.test" }, transport = "tls" }),
            chain("both", { server_names = { "both.test" } }),
            chain("both-tls", { server_names = { "both.test" }, transport = "tls" }),
            chain("tls", { transport = "tls" }),
            chain("tls-istio", { transport = "tls", alpn = { "istio", "istio-h2" } }),
            chain("raw", { transport = "raw_buffer" }),
            chain("http", { transport = "raw_buffer", alpn = { "http/1.1", "h2c" } }),
        }
        writer.replace(mesh.of(listener("l", "0.0.0.0", 80, { inspect = { "tls", "http" }, chains = chains })))
        local function of(sni, ...)
            return taken({ transport = "tls", sni = sni, alpn = { ... } })
        end
        check.equal(of("a.b.test"), "exact")
        check.equal(of("A.B.test"), "exact", "case")
        check.equal(of("x.b.test", "h2"), "wild")
        check.equal(of("y.x.b.test", "h2"), "wild")
        check.equal(of("x.b.test", "http/1.1"), "none", "no way back to a less specific name")
        check.equal(of("b.test"), "wilder")
        check.equal(of("both.test"), "both-tls")
        check.equal(of("test"), "tls", "a wildcard is for one label at least")
        check.equal(of(nil, "istio"), "tls-istio")
        check.equal(of("other.name", "http/1.1", "istio-h2"), "tls-istio")
        check.equal(of("other.name", "http/1.1"), "tls")
        check.equal(taken({ alpn = { "http/1.1" } }), "http")
        check.equal(taken({ alpn = { "http/1.0" } }), "raw")
        check.equal(taken({}), "raw")
    end)

    test("chains know no more than the listener's inspectors tell", function()
        local chains = { chain("tls", { transport = "tls" }), chain("named", { server_names = { "a.test" } }),
                         chain("raw", { transport = "raw_buffer" }),
                         chain("http", { transport = "raw_buffer", alpn = { "http/1.1" } }) }
        local except = { { inspector = "tls", from = 7000, to = 7000 }, { inspector = "http", from = 8000, to = 8999 } }
        writer.replace(mesh.of(
            listener("none", "0.0.0.0", 1, { chains = chains }),
            listener("tls", "0.0.0.0", 2, { inspect = { "tls" }, chains = chains }),
            listener("in", "0.0.0.0", 15006, { bound = true, original_dst = "restore", inspect = { "tls", "http" },
                                               inspect_timeout = 0, inspect_except = except, chains = chains })))
        local tls, http = { transport = "tls", sni = "x.test" }, { alpn = { "http/1.1" } }
        local function of(fields, port, local_port)
            fields.destination_port, fields.local_port = port, local_port
            return taken(fields)
        end
        check.equal(of(tls, 1), "raw")
        check.equal(of(http, 1), "raw")
        check.equal(of(tls, 2), "tls")
        check.equal(of(http, 2), "raw")
        check.equal(of(tls, 7000, 15006), "raw")
        check.equal(of(http, 7000, 15006), "http")
        check.equal(of(tls, 8500, 15006), "tls")
        check.equal(of(http, 8500, 15006), "raw")
        check.equal(of(http, 9000, 15006), "http")

        local function inspected(port)
            local found = filter_chains.listener(connection({ local_port = 15006, destination_port = port }))
            return table.concat(found.inspect, " ") .. " " .. found.inspect_timeout
        end
        check.equal(inspected(7000), "http 0")
        check.equal(inspected(8000), "tls 0")
        check.equal(inspected(9000), "tls http 0")
    end)

    test("sources: type, longest range, port", function()
        local chains = {
            chain("local", { source_type = "same_ip_or_loopback" }),
            chain("external", { source_type = "external", source_prefixes = { "10.9.0.0/16" } }),
            chain("port", { source_type = "external", source_prefixes = { "10.9.9.0/24" }, source_ports = { 1, 2 } }),
            chain("direct", { direct_source_prefixes = { "10.8.0.0/16" } }),
        }
        writer.replace(mesh.of(listener("l", "0.0.0.0", 80, { chains = chains })))
        check.equal(taken({ source_ip = "127.0.0.1" }), "local")
        check.equal(taken({ source_ip = "10.0.0.1" }), "local")
        check.equal(taken({ source_ip = "10.9.1.1" }), "external")
        check.equal(taken({ source_ip = "10.9.9.1", source_port = 2 }), "port")
        check.equal(taken({ source_ip = "10.9.9.1", source_port = 3 }), "none", "the longest range decides alone")
        check.equal(taken({ source_ip = "10.7.0.1" }), "none")
        check.equal(taken({ source_ip = "10.8.0.1" }), "direct")
    end)

    test("a change touches what changed: destinations come, move and go", function()
        local function at(id, prefix, name)
            return listener(id, "127.0.0.1", 15001, { bound = true, original_dst = "restore",
                                                      destination_prefix = prefix, chains = { chain(name) } })
        end
        local function to(ip)
            return taken({ destination_ip = ip })
        end
        writer.replace(mesh.of(at("a", "240.0.0.1/32", "a"), at("b", "240.0.0.2/32", "b")))
        check.equal(to("240.0.0.1") .. to("240.0.0.2") .. to("240.0.0.3"), "abnone")
        writer.commit({ at("b", "240.0.0.3/32", "b"), at("c", "240.0.0.2/32", "c") })
        check.equal(to("240.0.0.1") .. to("240.0.0.2") .. to("240.0.0.3"), "acb")
        writer.commit({ at("d", "240.0.0.1/32", "d") })
        check.equal(to("240.0.0.1"), "d", "the youngest has it")
        writer.commit({}, { "/listeners/d" })
        check.equal(to("240.0.0.1"), "a")
        writer.commit({}, { "/listeners/a", "/listeners/b", "/listeners/c" })
        check.equal(to("240.0.0.1"), "no listener")
    end)

    test("what the library writes is indexed without being decoded", function()
        local text = '{"address":"127.0.0.1","port":15001,"original_dst":"restore","bound":true,"direction":"outbound",'
                     .. '"destination_port":80,"destination_prefix":"240.0.0.9/32","chains":[{"name":"\\"port\\":7,",'
                     .. '"stream_route":"s"}],"id":"t","name":"x"}'
        writer.replace({ { "/listeners/t", text } })
        local item = require("apisix.core").config.fetch_created_obj("/listeners"):peek("t")
        check.truthy(filter_chains.is_for_others(15001))
        check.truthy(not rawget(item, "value"), "not decoded yet")
        check.equal(taken({ destination_ip = "240.0.0.9" }), '"port":7,')
        check.equal(taken({ destination_ip = "240.0.0.8" }), "none")
    end)
end
