# Gateways that start without something: what they say and that they serve.
mkdir -p "$work/libraries"
log() { grep -c "$1" "$prefix/logs/error.log"; }

unset AMESH_LIBRARY AMESH_SOURCE AMESH_OPTIONS
start no_library
expect "a missing library is one clear error" test "$(log 'no xDS library.*libxds.so was not found')" = 1
expect "workers serve without a library" test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 503

echo "not a library" > "$work/libraries/text.so"
AMESH_LIBRARY=$work/libraries/text.so start broken_library
expect "a library that cannot be loaded is one clear error" test "$(log 'cannot load .*text.so')" = 1
expect "workers serve with a broken library" \
    test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 503
expect "no worker dies of it" test "$(log 'exited on signal')" = 0

# A library that writes down how it is called.
calls() { grep -c "$1" "$AMESH_FAKE_LOG"; }
within() { # within TITLE CONDITION: comes to hold; the patience is for slow machines
    title=$1
    for _ in $(seq 400); do
        eval "$2" && break
        sleep 0.05
    done
    expect "$title" eval "$2"
}

gcc -shared -fPIC -DAMESH_START -o "$work/libraries/full.so" "$here/fake_library.c"
gcc -shared -fPIC -o "$work/libraries/stock.so" "$here/fake_library.c"
chmod 1777 "$work"
export AMESH_FAKE_LOG="$work/full.log"
touch "$AMESH_FAKE_LOG"
chmod 666 "$AMESH_FAKE_LOG"

AMESH_LIBRARY=$work/libraries/full.so AMESH_SOURCE=file:/mesh AMESH_OPTIONS='{"protocol":"sotw","poll_interval":0.01}' \
    start full_library
expect "one process starts the library, once" test "$(calls '^start')" = 1
expect "it gets the ABI, both zones and its options" test "$(calls 'abi=1 zones {.*"source":"file:')" = 1
expect "options of the Lua side are not passed on" test "$(calls poll_interval)" = 0
# Only worker 0 can ask this library, and which worker takes a connection is the kernel's choice: so the others stand still.
holder=$(sed -n 's/^start \([0-9]*\).*/\1/p' "$AMESH_FAKE_LOG")
others() {
    for worker in $(cat "/proc/$running/task/$running/children"); do
        [ "$worker" = "$holder" ] || kill "-$1" "$worker"
    done
}
others STOP
expect "its status shows" sh -c 'curl -s --max-time 10 http://127.0.0.1:15080/status | grep "\"fake\":true"'
others CONT

kill -9 "$holder"
within "worker 0 killed: its successor starts the library" '[ "$(calls ^start)" = 2 ]'
within "the gateway serves again" '[ "$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:15001/)" = 503 ]'

kill -HUP "$running"
within "reload: the new worker 0 starts the library" '[ "$(calls ^start)" = 3 ]'
within "reload: the old one stops its own" '[ "$(calls ^stop)" = 1 ]'
kill -QUIT "$running"
within "quit: the library is stopped" '[ "$(calls ^stop)" = 2 ]'
expect "no crash on the way" test "$(log 'signal 11\|signal 6')" = 0

AMESH_FAKE_LOG=$work/fail.log
touch "$AMESH_FAKE_LOG" && chmod 666 "$AMESH_FAKE_LOG"
AMESH_LIBRARY=$work/libraries/full.so AMESH_OPTIONS='{"protocol":"fail"}' start failing_library
expect "a library that does not start says why, once" test "$(log 'did not start: told to fail')" = 1
expect "workers serve when it does not start" \
    test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 503
expect "no worker dies of it" test "$(log 'exited on signal')" = 0

AMESH_FAKE_LOG=$work/stock.log
touch "$AMESH_FAKE_LOG" && chmod 666 "$AMESH_FAKE_LOG"
AMESH_LIBRARY=$work/libraries/stock.so start stock_library
expect "a library with the stock entry point alone is started by it" test "$(calls '^initial .* zones')" = 1
unset AMESH_FAKE_LOG

# Zones that nobody declared.
sed -i 's/lua_shared_dict xds-config/lua_shared_dict not-xds-config/' "$prefix/nginx.conf"
stop
nginx -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;' > "$prefix/out" 2>&1 &
running=$!
within "missing zones are one clear error per worker, with the lines to add" \
    '[ "$(log "custom_lua_shared_dict: {xds-config: 64m, xds-config-version: 1m}")" = 2 ]'
expect "workers serve without zones" test "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:15001/)" = 503
