#!/bin/sh
# Tests of TLS in a real APISIX 3, towards endpoints and from clients: run.sh [NAME...]. Needs root (a network namespace),
# APISIX_HOME with its openresty on the PATH, openssl and curl. Last line: "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${APISIX_HOME:-}" ]; then
    echo "APISIX_HOME is not set: nothing is tested"
    exit 0
fi
if [ "${AMESH_TLS_TESTS_INSIDE:-}" != yes ]; then
    exec env AMESH_TLS_TESTS_INSIDE=yes unshare --net --mount sh "$0" "$@"
fi

. "$here/../apisix/home.sh"
. "$here/../lua/suites.sh"
work=${AMESH_TLS_WORK:-$(mktemp -d)}
mkdir -p "$work/certificates"
chmod -R 755 "$work"
mkdir -p "$work/written"
chmod 777 "$work/written"
running=
stop() {
    [ -z "$running" ] || kill -TERM "$running" 2>/dev/null
    [ -z "$running" ] || wait "$running" 2>/dev/null
    [ -n "${AMESH_TLS_WORK:-}" ] || rm -rf "$work"
}
trap stop EXIT

ip link set lo up
ip route add default dev lo
for address in 10.96.0.1; do
    ip address add "$address/32" dev lo
done

# connections to the workload are captured
iptables -w -t nat -A OUTPUT -p tcp -d 10.96.0.1 -j REDIRECT --to-ports 15006

sh "$here/certificates.sh" "$work/certificates"
for file in servers.conf stream_servers.conf; do
    sed "s|%CERTIFICATES%|$work/certificates|g" "$here/$file" > "$work/$file"
done
lay_out "$work/home"

# The configuration that users copy, with the ports and places of this run.
sed -e "s|/usr/local/amesh/lua/?.lua|\"$root/lua/?.lua;$root/native-tests/lua/lib/?.lua;$here/?.lua\"|" \
    -e "s|/usr/local/amesh|$root|g" \
    -e "s|^  node_listen:|  enable_control: true\n  control: {ip: 127.0.0.1, port: 15070}\n  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: \"$work/cache\", cache_levels: \"1:2\"}]}\n  node_listen:|" \
    -e "s|^nginx_config:|nginx_config:\n  worker_processes: ${WORKERS:-1}\n  error_log_level: ${LEVEL:-notice}\n  worker_rlimit_nofile: 20000\n  http_configuration_snippet: \"include $work/servers.conf;\"|" \
    -e "s|^    include $root/apisix-patch/amesh-stream.conf;|&\n    include $work/stream_servers.conf;|" \
    "$root/apisix-patch/config.yaml" > "$work/home/conf/config.yaml"
sed -i "s|^    - AMESH_SOURCE|    - AMESH_TEST_CERTIFICATES=$work/certificates\n    - AMESH_SOURCE|" "$work/home/conf/config.yaml"

init_home "$work/home"
start() {
    openresty -p "$work/home" -c "$work/home/conf/nginx.conf" -g 'daemon off;' > "$work/out.log" 2>&1 &
    running=$!
    for _ in $(seq 200); do
        curl -s -o /dev/null http://127.0.0.1:15081/ && break
        kill -0 "$running" 2>/dev/null || break
        sleep 0.05
    done
}

if [ $# -gt 0 ]; then
    suites=$*
else
    suites=$(cd "$here/tests" && ls ./*.lua | sed 's|\./||; s/\.lua$//')
fi
for one in $suites; do
    # a worker of its own for each: the first connection of a worker is another thing than those after it
    start
    suite "$one"
    [ -n "$last" ] || tail -5 "$work/home/logs/error.log"
    kill -TERM "$running" 2>/dev/null
    wait "$running" 2>/dev/null
    running=
done
sum_up
