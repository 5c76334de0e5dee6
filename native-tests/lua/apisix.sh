#!/bin/sh
# The tests of the Lua side in a real APISIX: APISIX_HOME is its home, its openresty is on the PATH. With names (zone, provider, ...) only
# those. Last line: "N passed, N failed"; exit code 1 on a failure. Needs root, for a network namespace.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../apisix/home.sh"
if [ "${AMESH_LUA_TESTS_INSIDE:-}" != yes ]; then
    exec env AMESH_LUA_TESTS_INSIDE=yes unshare --net --mount sh "$0" "$@"
fi

work=$(mktemp -d)
chmod 755 "$work"
prefix=$work/apisix
running=

stop() {
    [ -z "$running" ] || kill -TERM "$running" 2>/dev/null
    [ -z "$running" ] || wait "$running" 2>/dev/null
    running=
}
trap 'stop; [ -n "${KEEP:-}" ] && echo "kept $work" || rm -rf "$work"' EXIT

configure() {
    # the control API has the port that the test gateway's has, so that connections are handed to another one
    settings="  enable_control: true\n  control: {ip: 127.0.0.1, port: 15080}\n  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m,"
    settings="$settings disk_path: $work/cache, cache_levels: \"1:2\"}]}"
    sed -e "s|extra_lua_path: .*|extra_lua_path: $root/lua/?.lua;$here/lib/?.lua;$here/?.lua|" \
        -e "s|/usr/local/amesh|$root|g" \
        -e "s|^      port: 15080|      port: 15079|" \
        -e "s|- 127.0.0.1:15095|- 9100|" \
        -e "s|^  # HTTP/1.1 and HTTP/2 without|$settings\n&|" \
        -e "s|^    source: .*|    source: file:$work/none\n    targets: {http: 127.0.0.1:15079}\n    drain_time: 1\n    objects: $work/own.yaml|" \
        -e "s|^plugins:|&\n  - grpc-transcode\n  - http-logger\n  - key-auth\n  - prometheus\n  - response-rewrite|" \
        -e "s|^plugin_attr:|&\n  prometheus: {refresh_interval: 1}|" \
        -e "s|^nginx_config:|&\n  worker_processes: 2\n  error_log_level: info\n  worker_rlimit_nofile: 20000\n  http_configuration_snippet: include $here/servers.conf;|" \
        -e "s|^    include $root/apisix-patch/amesh-stream.conf;|&\n    include $here/stream_servers.conf;|" \
        "$root/apisix-patch/config.yaml" > "$prefix/conf/config.yaml"
}

start() {
    openresty -p "$prefix" -c "$prefix/conf/nginx.conf" -g 'daemon off;' > "$work/out" 2>&1 &
    running=$!
    for _ in $(seq 200); do
        curl -s -o /dev/null http://127.0.0.1:15080/v1/amesh/status && return 0
        sleep 0.05
    done
    echo "FAILED APISIX did not start:"
    cat "$work/out" "$prefix/logs/error.log"
    exit 1
}

if [ $# -gt 0 ]; then
    suites=$*
else
    suites=$(cd "$here/tests" && ls *.lua | sed 's/\.lua$//' )
fi

. "$here/network.sh"
. "$here/suites.sh"
# a name for the tests of domains
{ cat /etc/hosts; echo "127.1.0.2 endpoint.test"; } > "$work/hosts"
mount --bind "$work/hosts" /etc/hosts
lay_out "$prefix"
configure
own() { # own MARK: the user's own objects, with that mark
    sed "s|MARK|$1|" "$here/own.yaml" > "$work/own.yaml"
}
own first
init_home "$prefix"
start

# asked HOST PATH: what every worker says of it, when all say the same
asked() {
    for _ in 1 2 3 4 5 6; do curl -s -i -H "Host: $1" "http://127.0.0.1:15079$2"; done
}
marked() { [ "$(asked own.test / | grep -c "^x-mark: $1")" = 6 ]; }
refused() { [ "$(asked "$1" / | grep -c "^HTTP/1.1 $2")" = 6 ]; }
said() { [ "$(asked own-grpc.test '/say?text=hello' | grep -c '"text":"hello"')" = 6 ]; }
hidden() { ! shown; }
shown() { curl -s "http://127.0.0.1:15080/v1/amesh/objects/protos/echo" | grep -q 'rpc Say'; }
expect "the user's own routes are served before there is a mesh" marked first
expect "what the mesh may have is unknown yet" refused another.test 503
expect "a proto is found by its id" said
expect "and shown" shown

for one in $suites; do
    suite "$one"
done

# answers HOST NAME: every worker routes HOST to the virtual host NAME
answers() {
    for _ in 1 2 3 4 5 6; do
        [ "$(curl -s -H "Host: $1" http://127.0.0.1:15001/)" = "$2" ] || return 1
    done
}
served() {
    for _ in 1 2 3 4 5 6; do
        [ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9100/)" = 200 ] || return 1
    done
}
reload() {
    kill -HUP "$running"
    sleep 2
}

suite speak_late
# soon COMMAND...: in a moment
soon() {
    for _ in $(seq 100); do
        "$@" && return 0
        sleep 0.2
    done
    return 1
}
# shows WHAT: prometheus has a line of it, in a moment
shows() {
    for _ in $(seq 200); do
        curl -s http://127.0.0.1:9091/apisix/prometheus/metrics | grep -q "$1" && return 0
        sleep 0.1
    done
    return 1
}

(until answers silent silent; do sleep 0.1; done; kill -HUP "$running") &
suite silent_through_a_reload
suite leave_a_mesh
commit=$(curl -s http://127.0.0.1:15080/v1/amesh/status | sed 's/.*"commit":\([0-9]*\).*/\1/')
expect "prometheus shows the commit in the dictionaries" shows "^apisix_amesh_commit $commit\$"
expect "and that every worker has applied it" shows "^apisix_amesh_applied_commit{worker=\"1\"} $commit\$"
expect "and that there is no library" shows '^apisix_amesh_library_running 0$'
reload
expect "after a reload every worker has the virtual hosts that are in the zone" answers one one
expect "and the routes that are not of the mesh" answers plain.test 'plain'
expect "and the stream side its routes" served
suite change_the_mesh_left
expect "what changes after a reload is followed: new" answers two two
expect "what changes after a reload is followed: gone" answers one any
expect "what changes after a reload is followed: changed" answers any any
reload
expect "and is there after another reload" answers two two
expect "and the user's own objects beside it" marked first
own second
sed -i '/^protos/,/^routes/{/^routes/!d}' "$work/own.yaml"
reload
expect "which a reload reads again" soon marked second
expect "an object that the file no longer has is gone" hidden
expect "and the mesh is as it was" answers two two
kill -9 "$(ps -o pid= --ppid "$running" | head -1)"
sleep 1
expect "a worker that takes a killed one's place has what came since the reload, too" answers two two

sum_up
