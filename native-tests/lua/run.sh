#!/bin/sh
# Tests of the Lua side, in the test gateway's nginx. Last line: "N passed, N failed"; exit code 1 on a failure.
# With names (zone, provider, path, router, ...) only those. Needs root, for a network namespace.
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ "${AMESH_LUA_TESTS_INSIDE:-}" != yes ]; then
    exec env AMESH_LUA_TESTS_INSIDE=yes unshare --net --mount sh "$0" "$@"
fi

work=$(mktemp -d)
chmod 755 "$work"
gateway=$here/../gateway/start.sh

stop() {
    [ -z "${running:-}" ] || kill -TERM "$running" 2>/dev/null
    [ -z "${running:-}" ] || wait "$running" 2>/dev/null
    running=
}
trap 'stop; [ -n "${KEEP:-}" ] && echo "kept $work" || rm -rf "$work"' EXIT

# start NAME: a gateway with what the environment says
start() {
    stop
    prefix=$work/$1
    mkdir -p "$prefix"
    GATEWAY_HTTP_CONF=$here/servers.conf "$gateway" "$prefix" > "$prefix/out" 2>&1 &
    running=$!
    for _ in $(seq 400); do
        curl -s -o /dev/null http://127.0.0.1:15080/status && return 0
        sleep 0.05
    done
    echo "FAILED the gateway did not start:"
    cat "$prefix/out"
    return 1
}

. "$here/network.sh"
. "$here/suites.sh"

if [ $# -gt 0 ]; then
    suites=$*
else
    suites=$(cd "$here/tests" && ls *.lua | sed 's/\.lua$//' | grep -v '^stream')
fi

start suites || exit 1
for one in $suites; do
    suite "$one"
done

if [ $# -eq 0 ]; then
    . "$here/processes.sh"
    expect "luacheck finds nothing" luacheck -q --no-color --config "$here/../../lua/.luacheckrc" \
        "$here/../../lua" "$here/../gateway/lua" "$here/lib" "$here/tests" "$here/steps" "$here/../tls"
fi

sum_up
