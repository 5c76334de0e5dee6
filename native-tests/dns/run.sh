#!/bin/sh
# Clusters with names, in the test gateway with the real library: run.sh LIBXDS.SO, or AMESH_LIBRARY. A name server of our
# own stands in the namespace's resolv.conf. Last line: "N passed, N failed"; exit code 1 on a failure. Needs root and node.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export AMESH_LIBRARY="${1:-${AMESH_LIBRARY:-}}"
[ -f "$AMESH_LIBRARY" ] || { echo "no libxds.so: give its path"; exit 1; }
if [ "${AMESH_DNS_TESTS_INSIDE:-}" != yes ]; then
    exec env AMESH_DNS_TESTS_INSIDE=yes unshare --net --mount sh "$0" "$@"
fi

work=$(mktemp -d)
chmod 755 "$work"
zone=$work/zone.json
asked=$work/asked
passed=0
failed=0
trap 'kill $gateway $server 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

. "$here/../lua/network.sh"
printf 'nameserver 127.0.0.53\nsearch test\noptions timeout:1\n' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf

# say JSON: what the server answers from now on; the file changes at once
say() { echo "$1" > "$zone.new"; mv "$zone.new" "$zone"; }

# within TITLE COMMAND...: holds after ten seconds at most
within() {
    title=$1
    shift
    for _ in $(seq 100); do
        if "$@"; then
            passed=$((passed + 1))
            return
        fi
        sleep 0.1
    done
    failed=$((failed + 1))
    echo "FAILED $title"
    sed 's/^/    /' "$work/gateway/out"
}

# endpoints PATH ADDRESS...: are these the endpoints that eight requests come to?
endpoints() {
    path=$1
    shift
    seen=$(for _ in 1 2 3 4 5 6 7 8; do
        curl -s "http://127.0.0.1:15001$path" | grep -o '"served_by":"[0-9.]*' | sed 's/.*"//'
    done | sort -u | tr '\n' ' ')
    [ "$seen" = "$(printf '%s ' "$@")" ]
}
status() { [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:15001$1")" = "$2" ]; }
asked_for() { grep -q "^$1\$" "$asked"; }
asked_often() { [ "$(grep -c "$1" "$asked")" -ge "$2" ]; }

say '{"web.shop.test": {"a": ["127.1.0.1", "127.1.0.2"]}}'
: > "$asked"
node "$here/name-server.mjs" "$zone" "$asked" &
server=$!
mkdir "$work/gateway"
AMESH_SOURCE=file:$here/mesh GATEWAY_HTTP_CONF=$here/../lua/servers.conf "$here/../gateway/start.sh" "$work/gateway" \
    > "$work/gateway/out" 2>&1 &
gateway=$!

within "STRICT_DNS uses all addresses" endpoints /strict 127.1.0.1 127.1.0.2
within "LOGICAL_DNS uses the first" endpoints /logical 127.1.0.1
within "names with few dots are looked for in search domains" asked_for 'udp A web.shop.test'

say '{"web.shop.test": {"a": ["127.1.0.3", "127.1.0.1"], "tc": true}}'
within "a change of addresses comes to requests, also over TCP" endpoints /strict 127.1.0.1 127.1.0.3
within "LOGICAL_DNS follows the first" endpoints /logical 127.1.0.3
within "an answer that was cut is asked for again over TCP" asked_for 'tcp A web.shop.test'

: > "$asked"
say '{"web.shop.test": {"rcode": 2}}'
within "a failing server is asked again" asked_often 'web.shop.test$' 6
within "while it fails the last addresses stay" endpoints /strict 127.1.0.1 127.1.0.3

say '{}'
within "no such name: 503" status /strict 503
within "LOGICAL_DNS keeps its address" endpoints /logical 127.1.0.3
within "a node keeps the name it was found under" sh -c 'curl -s http://127.0.0.1:15080/objects | grep -q "\"domain\":\"web.shop.test\""'

say '{"web.shop.test": {"a": ["127.1.0.2"]}}'
within "a name that is there again is served again" endpoints /strict 127.1.0.2

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
