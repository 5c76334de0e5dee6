#!/bin/sh
# What the captured port costs HTTP: the ways in which a connection can come to APISIX's HTTP side, one after the other
# in rounds, in one run. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/bench/lib.sh"
rounds=${ROUNDS:-3}
seconds=${SECONDS_EACH:-4}
prefix=$work/apisix

# --- the network: one service address per way
direct=10.97.1.1:9080
said=10.97.1.2:9080
found=10.97.1.3:7000
hop=10.97.1.4:9080
sets=10.97.1.5:9080
floor=10.97.1.6:9080
for address in 10.97.1.1 10.97.1.2 10.97.1.3 10.97.1.4 10.97.1.5 10.97.1.6; do
    ip address add "$address/32" dev lo
done
redirect() {
    iptables -t nat -A OUTPUT -p tcp -m owner ! --uid-owner nobody -d "$1" -j REDIRECT --to-ports "$2"
}
redirect 10.97.1.1 15080
redirect 10.97.1.2 15001
redirect 10.97.1.3 15001
redirect 10.97.1.4 15002
redirect 10.97.1.6 15003
if command -v nft >/dev/null; then
    # a set as large as a mesh's: which addresses and ports speak HTTP
    {
        echo 'add table ip capture'
        echo 'add chain ip capture output { type nat hook output priority -110 ; }'
        echo 'add set ip capture http { type ipv4_addr . inet_service ; }'
        for one in $(seq 1 250); do
            for two in $(seq 1 20); do
                echo "add element ip capture http { 10.98.$two.$one . 9080 }"
            done
        done
        echo 'add element ip capture http { 10.97.1.5 . 9080 }'
        echo 'add rule ip capture output meta skuid != nobody ip daddr . tcp dport @http redirect to :15080'
    } > "$work/sets"
    nft -f "$work/sets"
else
    sets=
fi

# --- APISIX with the mesh of the capture suite, an endpoint, and the way with one more hop
lay_out "$prefix"
cat > "$work/endpoint.conf" <<CONF
server {
    listen 127.7.0.1:8080 backlog=4096;
    access_log off;
    keepalive_requests 1000000;
    location / { return 200 "hello"; }
}
CONF
cat > "$work/hop.conf" <<CONF
server {
    listen 15002 backlog=4096;
    set \$amesh_target '';
    preread_by_lua_block { require("apisix.amesh.stream.capture").preread() }
    proxy_pass unix:$work/http.sock;
}
server {
    listen 15003 backlog=4096;
    pass 127.0.0.1:15080;
}
CONF
mesh_config "$prefix" "file:$root/native-tests/harness/Capture/mesh" \
    -e "s|^nginx_config:|&\n  http_configuration_snippet: include $work/endpoint.conf;|" \
    -e "s|^    include $root/apisix-patch/amesh-stream.conf;|&\n    include $work/hop.conf;|" \
    -e "s|^  http_server_configuration_snippet: .*|&\n    listen unix:$work/http.sock;|"
serve "$prefix"
apisix=$!

for way in $direct $said $found $hop $sets $floor; do
    answers hello -H 'Host: web:9080' "http://$way/" || { tail -5 "$prefix/logs/error.log"; exit 1; }
done

# --- the rounds
for round in $(seq "$rounds"); do
    for way in direct said found hop sets floor; do
        eval address=\$$way
        [ -n "$address" ] || continue
        ask "$apisix" "kept-$way" "http://$address/" -H 'Host: web:9080'
        ask "$apisix" "new-$way" "http://$address/" -H 'Host: web:9080' -H 'Connection: close'
    done
done

row() { # row WAY TEXT: how much of what comes directly could be served in the same processor time
    [ -s "$work/kept-$1-cpu" ] || return 0
    for kind in new kept; do
        # of the two in the same round, since other work comes and goes
        paste "$work/$kind-direct-cpu" "$work/$kind-$1-cpu" | awk '{ print $1 / $2 }' > "$work/ratio-$kind-$1-cpu"
    done
    awk -v new="$(median "ratio-new-$1")" -v kept="$(median "ratio-kept-$1")" -v text="$2" \
        'BEGIN { printf "| %s | %.2f | %.2f |\n", text, new, kept }'
}
echo "| way | new connections | requests on kept connections |"
echo "|---|---|---|"
row direct "HTTP listens on the captured port itself"
row floor "handed on by \`pass\` without a decision: what nginx itself costs"
row said "handed on by \`pass\`, the listener says HTTP"
row found "handed on by \`pass\`, the first bytes say it"
row hop "one more hop, over a Unix socket"
row sets "nft sets of 5,001 addresses choose the port"
echo "1.00 = $(median new-direct | cut -d. -f1) microseconds of the worker for a new connection with its request, $(median kept-direct | cut -d. -f1) for a request on a kept one;"
echo "medians of $rounds rounds of $seconds s, one worker, 16 connections"
