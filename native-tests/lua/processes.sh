# Gateways that start without something: what they say and that they serve.
mkdir -p "$work/libraries"
log() { grep -c "$1" "$prefix/logs/error.log"; }

unset AMESH_LIBRARY AMESH_SOURCE AMESH_OPTIONS
start no_library
expect "a missing library is one clear error" test "$(log 'no xDS library.*libxds.so was not found')" = 1
expect "workers serve without a library" test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 404

echo "not a library" > "$work/libraries/text.so"
AMESH_LIBRARY=$work/libraries/text.so start broken_library
expect "a library that cannot be loaded is one clear error" test "$(log 'cannot load .*text.so')" = 1
expect "workers serve with a broken library" test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 404
expect "no worker dies of it" test "$(log 'exited on signal')" = 0

sed -i 's/lua_shared_dict xds-config/lua_shared_dict not-xds-config/' "$prefix/nginx.conf"
stop
nginx -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;' > "$prefix/out" 2>&1 &
running=$!
sleep 1
expect "missing zones are one clear error per worker, with the lines to add" \
    test "$(log 'custom_lua_shared_dict: {xds-config: 64m, xds-config-version: 1m}')" = 2
expect "workers serve without zones" test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 404
