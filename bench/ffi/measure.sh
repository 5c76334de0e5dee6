#!/bin/sh
# What libxds.so costs where it is called by LuaJIT's FFI and calls nginx's: the real library in a real nginx. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=${AMESH_LIBRARY:-$root/artifacts/libxds.so}
[ -f "$library" ] || { echo "no $library: ./build.sh makes it"; exit 1; }
nginx=${NGINX:-nginx}
command -v "$nginx" > /dev/null || { echo "no nginx: ./build.sh demo installs Debian's, or set NGINX to the path of an OpenResty's"; exit 1; }

work=$(mktemp -d)
running=
trap '[ -z "$running" ] || { kill -TERM "$running" 2>/dev/null; wait "$running" 2>/dev/null; }; [ -n "${KEEP:-}" ] && echo "kept $work" || rm -rf "$work"' EXIT
mkdir -p "$work/logs"

# Debian's nginx has Lua in modules of their own
modules=
for module in ndk_http_module ngx_http_lua_module; do
    file=/usr/lib/nginx/modules/$module.so
    [ -n "${NGINX:-}" ] || [ ! -e "$file" ] || modules="$modules load_module $file;"
done

sed -e "s|%MODULES%|$modules|" -e "s|%WORK%|$work|g" -e "s|%HERE%|$here|g" -e "s|%ROOT%|$root|g" -e "s|%ZONE%|${ZONE_SIZE:-128m}|" "$here/nginx.conf.template" > "$work/nginx.conf"
env AMESH_BENCH_LIBRARY="$library" AMESH_BENCH_MESH="$root/samples/istio/${MESH:-scale-5000}" AMESH_BENCH_ROUNDS="${ROUNDS:-5}" \
    "$nginx" -p "$work" -c "$work/nginx.conf" -g 'daemon off;' > "$work/out" 2>&1 &
running=$!
for _ in $(seq 200); do
    [ -S "$work/socket" ] && break
    sleep 0.05
done
curl -sS --fail --unix-socket "$work/socket" http://bench/ || { cat "$work/out" "$work/logs/error.log"; exit 1; }
