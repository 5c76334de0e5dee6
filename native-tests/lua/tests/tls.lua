-- What TLS needs besides handshakes: names in certificates, matchers, x-forwarded-client-cert, protocols, addresses.
local alpn = require("apisix.amesh.alpn")
local certificate = require("apisix.amesh.certificate")
local client_cert_header = require("apisix.amesh.client_cert_header")
local forwarded = require("apisix.amesh.forwarded")
local openssl = require("apisix.amesh.openssl")
local peer_check = require("apisix.amesh.peer_check")
local san_match = require("apisix.amesh.san_match")
local secrets = require("apisix.amesh.secrets")
local ffi = require("ffi")
local C = openssl.C

-- openssl req -x509 ... -subj "/C=DE/O=a, b/CN=w\"x" with the names below, 100 years
local PEM = [[
-----BEGIN CERTIFICATE-----
MIICLjCCAdSgAwIBAgIUXIwxFVVGnCPsCBuLRjgm/OoA9CAwCgYIKoZIzj0EAwIw
KjELMAkGA1UEBhMCREUxDTALBgNVBAoMBGEsIGIxDDAKBgNVBAMMA3cieDAgFw0y
NjExMjExNzM4MTBaGA8yMTI2MTAyODE3MzgxMFowKjELMAkGA1UEBhMCREUxDTAL
BgNVBAoMBGEsIGIxDDAKBgNVBAMMA3cieDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABLqqQyt0IDeiq+Xh49VP2wOLkEuYKULQBZrJtMsBEiwPQbgHNaYkNN30eAsw
h7EfQ/3vlSm3ab4mSNMPsMjrVgqjgdUwgdIwHQYDVR0OBBYEFD+fyR3ekkvoodX6
uyN89sNzcAFdMB8GA1UdIwQYMBaAFD+fyR3ekkvoodX6uyN89sNzcAFdMA8GA1Ud
EwEB/wQFMAMBAf8wfwYDVR0RBHgwdoYgc3BpZmZlOi8vY2x1c3Rlci5sb2NhbC9u
cy9hL3NhL2KGE2h0dHBzOi8veC5leGFtcGxlL3mCCWEuZXhhbXBsZYILKi5iLmV4
YW1wbGWBDXhAZXhhbXBsZS5jb22HBAoBAgOHEP0AAAAAAAAAAAAAAAAAAAEwCgYI
KoZIzj0EAwIDSAAwRQIgd4AfH30to6ZKTdvsO/qvnTtvUvu9TjjBZdM76O9PvU4C
IQDpkoAQHUvwME/Hc/zxK31zBnD5yISGQm4LKKQPWz0LBQ==
-----END CERTIFICATE-----
]]

local function parse(text)
    local one = C.amesh_PEM_read_bio_X509(openssl.reader(text), nil, nil, nil)
    assert(one ~= nil, openssl.reason())
    return ffi.gc(one, C.amesh_X509_free)
end

local leaf = parse(PEM)
local NAMES = certificate.names(leaf)
local peer = { certificate = leaf, names = NAMES, uris = certificate.values(NAMES, "uri") }


return function(test, check)
    test("names of a certificate", function()
        check.equal(NAMES, {
            { type = "uri", value = "spiffe://cluster.local/ns/a/sa/b" },
            { type = "uri", value = "https://x.example/y" },
            { type = "dns", value = "a.example" },
            { type = "dns", value = "*.b.example" },
            { type = "email", value = "x@example.com" },
            { type = "ip", value = "10.1.2.3" },
            { type = "ip", value = "fd00::1" },
        })
        check.equal(certificate.values(NAMES, "dns"), { "a.example", "*.b.example" })
    end)

    test("subject as RFC 2253 writes it", function()
        check.equal(certificate.subject(leaf), "CN=w\\\"x,O=a\\, b,C=DE")
    end)

    test("fingerprint and text", function()
        check.equal(#certificate.fingerprint(leaf), 64)
        check.equal(certificate.fingerprint(leaf), "c7969dbcaddec35c4dcab21d88a7bdaf099e6048249a10114f902ec705657b4e")
        check.equal(certificate.pem(leaf), PEM)
        check.equal(certificate.url_encoded("-----BEGIN X-----\na+b/c=\n"), "-----BEGIN%20X-----%0Aa%2Bb%2Fc%3D%0A")
    end)

    test("matchers of names", function()
        local function any(...)
            return san_match.any({ ... }, NAMES)
        end
        check.equal(any({ type = "uri", exact = "spiffe://cluster.local/ns/a/sa/b" }), true)
        check.equal(any({ type = "uri", exact = "spiffe://cluster.local/ns/a/sa/B" }), false)
        check.equal(any({ type = "uri", exact = "spiffe://cluster.local/ns/a/sa/B", ignore_case = true }), true)
        check.equal(any({ type = "uri", prefix = "spiffe://cluster.local/" }), true)
        check.equal(any({ type = "uri", suffix = "/sa/b" }), true)
        check.equal(any({ type = "uri", contains = "/ns/a/" }), true)
        check.equal(any({ type = "uri", regex = "(*UTF)^(?:spiffe://[^/]+/ns/a/sa/.)\\z" }), true)
        check.equal(any({ type = "uri", regex = "(*UTF)^(?:spiffe://[^/]+/ns/a)\\z" }), false, "the whole name")
        check.equal(any({ type = "dns", exact = "spiffe://cluster.local/ns/a/sa/b" }), false, "another type")
        check.equal(any({ type = "any", exact = "a.example" }), true)
        check.equal(any({ type = "dns", exact = "A.Example" }), true, "DNS names know no case")
        check.equal(any({ type = "dns", exact = "x.b.example" }), true, "a wildcard of the certificate")
        check.equal(any({ type = "dns", exact = "x.y.b.example" }), false, "for one label")
        check.equal(any({ type = "dns", exact = "b.example" }), false)
        check.equal(any({ type = "dns", exact = ".b.example" }), false)
        check.equal(any({ type = "email", exact = "x@example.com" }), true)
        check.equal(any({ type = "ip", exact = "fd00::1" }), true)
        check.equal(any({ type = "uri", exact = "no" }, { type = "ip", exact = "10.1.2.3" }), true, "one is enough")
        check.equal(any({ type = "uri" }), false, "one that says nothing")
        check.equal(san_match.any({}, NAMES), false)
        check.equal(san_match.host("c.b.example", NAMES), true)
        check.equal(san_match.host("10.1.2.3", NAMES), true)
        check.equal(san_match.host("x@example.com", NAMES), false)
    end)

    test("a chain is verified, and its names looked at", function()
        local own = assert(secrets.authority_of(PEM, 1))
        check.equal({ peer_check.holds(leaf, nil, own, peer_check.SERVER, {}) }, { true })
        local ok, why = peer_check.holds(leaf, nil, own, peer_check.SERVER,
                                         { sans = { { type = "uri", exact = "x" } } })
        check.equal({ ok, why }, { false, "none of its names is one that is asked for" })
        ok, why = peer_check.holds(leaf, nil, own, peer_check.SERVER, { host = "c.example" })
        check.equal({ ok, why }, { false, "it is not for c.example" })
        local other = assert(secrets.authority_of([[
-----BEGIN CERTIFICATE-----
MIIBeDCCAR2gAwIBAgIUVrs9W81o/wdfB7IgMN5HLHNINrUwCgYIKoZIzj0EAwIw
EDEOMAwGA1UECgwFb3RoZXIwIBcNMjYxMTIxMTczODEwWhgPMjEyNjEwMjgxNzM4
MTBaMBAxDjAMBgNVBAoMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
SdPDV2X7pcd0tYk9TV0YKR0rO+BAF5+vF1OvjDO5V3CXQOZgmX+HJ12BZniVVSs9
G7mz5c8D5Tqc18OhCg0AZ6NTMFEwHQYDVR0OBBYEFLynpCCn+jCRL1LLzuM3aOl1
2aJXMB8GA1UdIwQYMBaAFLynpCCn+jCRL1LLzuM3aOl12aJXMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAOiq7wVsJ2Ggx07pFAjTGO+/YPIV3My9
d6n+rozBgjn7AiEA9aWEO8T6VHl19BStGxCjw5HM7F72MhZhTRTL7xD4Oqg=
-----END CERTIFICATE-----
]], 1))
        ok, why = peer_check.holds(leaf, nil, other, peer_check.SERVER, {})
        check.equal(ok, false)
        check.truthy(why:find("self", 1, true), why)
        check.equal({ secrets.authority_of("nothing", 1) }, { nil, "has no authority that can be read" })
    end)

    test("x-forwarded-client-cert", function()
        local hash = "Hash=" .. certificate.fingerprint(leaf)
        local uris = "URI=spiffe://cluster.local/ns/a/sa/b;URI=https://x.example/y"
        local element = client_cert_header.element
        check.equal(element(peer, {}, nil), hash)
        check.equal(element(peer, { "spiffe://me" }, { "uri" }), "By=spiffe://me;" .. hash .. ";" .. uris)
        check.equal(element(peer, { "spiffe://me", "b" }, { "dns", "uri", "subject" }),
                    "By=spiffe://me;By=b;" .. hash .. ";Subject=\"CN=w\\\"x,O=a\\, b,C=DE\";" .. uris
                    .. ";DNS=a.example;DNS=*.b.example", "in Envoy's order")
        check.equal(element(peer, {}, { "cert", "chain" }),
                    hash .. ";Cert=\"" .. certificate.url_encoded(PEM) .. "\";Chain=\"" .. certificate.url_encoded(PEM)
                    .. "\"")
        check.equal(element({ certificate = leaf, names = {}, uris = {} }, {}, { "uri", "dns" }), hash .. ";URI=",
                    "the key is there without a name")
    end)

    test("x-forwarded-client-cert by mode", function()
        local function value(mode, sent, shown)
            return client_cert_header.value(mode, sent, shown, function()
                return "own"
            end)
        end
        for _, mode in ipairs({ "sanitize", "forward_only", "append_forward", "sanitize_set" }) do
            check.equal(value(mode, "sent", nil), false, mode .. " from who showed nothing")
        end
        check.equal(value(nil, "sent", peer), false)
        check.equal(value("always_forward_only", "sent", nil), nil)
        check.equal(value("forward_only", "sent", peer), nil)
        check.equal(value("append_forward", "sent", peer), "sent,own")
        check.equal(value("append_forward", nil, peer), "own")
        check.equal(value("sanitize_set", "sent", peer), "own")
    end)

    test("addresses from the end of x-forwarded-for", function()
        local at = forwarded.address_from_end
        check.equal(at("1.1.1.1, 2.2.2.2,3.3.3.3", 0), "3.3.3.3")
        check.equal(at("1.1.1.1, 2.2.2.2,3.3.3.3", 1), "2.2.2.2")
        check.equal(at("1.1.1.1, 2.2.2.2,3.3.3.3", 3), nil)
        check.equal(at("1.1.1.1:80", 0), "1.1.1.1")
        check.equal(at("[fd00::1]:80", 0), "fd00::1")
        check.equal(at("fd00::1", 0), "fd00::1")
        check.equal(at("unknown", 0), nil)
        check.equal(at(nil, 0), nil)
    end)

    test("protocols on the wire", function()
        local wire = alpn.wire({ "istio", "h2" })
        check.equal(wire, "\5istio\2h2")
        check.equal(alpn.parse("\0\9" .. wire), { "istio", "h2" })
        check.equal(alpn.parse("\0\9\9h2"), {}, "cut")
        check.equal(alpn.parse(nil), nil)
        check.equal(alpn.is_to_be_silent({ "h2", "http/1.1" }, { "h2" }), false)
        check.equal(alpn.is_to_be_silent({ "http/1.1" }, { "h2", "http/1.1" }), true)
        check.equal(alpn.is_to_be_silent(nil, { "h2" }), false)
        check.equal(alpn.is_to_be_silent({ "h2" }, { "istio" }), true)
        check.equal(alpn.is_to_be_silent({ "http/1.1" }, { "istio", "http/1.1" }), false)
    end)
end
