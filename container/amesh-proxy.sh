#!/usr/bin/env bash
# The container's program. It makes an APISIX home of what the pod says, in a folder that may be written to, and becomes APISIX
# in it: the first process of the container is nginx's master, and nothing outside that folder is written to.
set -euo pipefail

readonly AMESH=${AMESH_PREFIX:-/usr/local/amesh}
readonly APISIX=${APISIX_PREFIX:-/usr/local/apisix}
readonly OPENRESTY=${OPENRESTY_PREFIX:-/usr/local/openresty}
readonly CONTROL=15004 READY=15021

usage() {
    cat <<'TEXT'
usage: amesh-proxy [VERB]
  run             prepare, and run APISIX (what the container does)
  prepare         make the APISIX home only
  wait [SECONDS]  until the proxy has a mesh (60)
  status [PATH]   what APISIX's control API says (/v1/amesh/status)
  -c FILE ...     as Envoy is started: FILE is a bootstrap (Istio's agent)
Anything else is run as it is: amesh-proxy amesh translate ...
TEXT
}

say() { echo "amesh-proxy: $*" >&2; }
die() { say "$@"; exit 1; }

# The user whose connections Istio's rules do not send back to the proxy.
be_1337() {
    [ "$(id -u)" = 0 ] || return 0
    say "started as root, going on as user 1337, whose connections Istio's rules leave alone"
    exec setpriv --reuid=1337 --regid=1337 --clear-groups -- "$BASH" "$0" "$@"
}

# The first of some folders that can be written to: a volume where the root file system is read-only. (Tests have the pod's
# own folders elsewhere, in AMESH_ROOT.)
choose_home() {
    local folder tried=("${AMESH_RUN:-/run/amesh}")
    # there in any pod with Istio's agent
    [ -n "${AMESH_AGENT:-}" ] && tried+=("${AMESH_ROOT:-}/var/lib/istio/data/amesh" "${AMESH_ROOT:-}/etc/istio/proxy/amesh")
    for folder in "${tried[@]}"; do
        if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then
            run=$folder home=$folder/apisix
            return
        fi
    done
    die "user $(id -u) cannot write to ${tried[0]}: mount an emptyDir there"
}

# The folder is left from before where a container is started again in its pod.
lay_out() {
    local part
    rm -rf "$home"
    mkdir -p "$home/conf" "$home/logs"
    for part in "$APISIX"/*; do
        case ${part##*/} in
            conf | logs | *_temp) ;;
            *) ln -s "$part" "$home/" ;;
        esac
    done
    for part in "$APISIX"/conf/*; do
        case ${part##*/} in
            config.yaml | nginx.conf | apisix.uid | *.sock) ;;
            *) cp -R "$part" "$home/conf/" ;;
        esac
    done
}

configure() {
    # as many files as the runtime lets a process have open, and nginx's workers no more than that
    ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
    local files=("$AMESH/apisix-patch/config.yaml" "$AMESH/container/config.yaml") own=${AMESH_CONFIG:-/etc/amesh/config.yaml}
    [ -e "$own" ] && files+=("$own")
    FILES=$(ulimit -n) LUA_PATH="$APISIX/deps/share/lua/5.1/?.lua;$APISIX/deps/share/lua/5.1/?/init.lua;$OPENRESTY/lualib/?.lua;;" \
        LUA_CPATH="$APISIX/deps/lib/lua/5.1/?.so;$APISIX/deps/lib64/lua/5.1/?.so;$OPENRESTY/lualib/?.so;;" \
        "${LUAJIT:-luajit}" "$AMESH/container/configure.lua" "$AMESH" "${files[@]}" >"$home/conf/config.yaml"
}

prepare() {
    choose_home
    lay_out
    # TLS of .NET asks for a home folder; a user whom the cluster chose has none
    export HOME=$run
    # for a start while the control plane is away
    export AMESH_STATE_FILE=${AMESH_STATE_FILE-$run/state}
    configure
    (cd "$home" && apisix init) >"$home/logs/init.log" 2>&1 || { cat "$home/logs/init.log" >&2; die "apisix init failed"; }
}

# Becomes nginx. Paths in a bootstrap of Istio's are relative to the root.
run() {
    be_1337 "$@"
    [ "$(id -u)" = 1337 ] || say "user $(id -u), not 1337: the rules that redirect connections must leave its own alone"
    prepare
    # nginx opens it by its name, which a socket and what belongs to another user do not allow
    { : >>/dev/stdout; } 2>/dev/null || exec > >(exec cat)
    cd /
    exec openresty -e stderr -p "$home" -c "$home/conf/nginx.conf" -g 'daemon off;'
}

# As Istio's agent starts Envoy: what has a meaning here is taken, and what has none is not.
as_envoy() {
    local all=("$@") level=
    while [ $# -gt 0 ]; do
        case $1 in
            -c | --config-path) export AMESH_BOOTSTRAP; AMESH_BOOTSTRAP=$(realpath -m "$2"); shift ;;
            --concurrency) export AMESH_CONCURRENCY=$2; shift ;;
            -l | --log-level) level=$2; shift ;;
        esac
        shift
    done
    case $level in
        '') ;;
        trace | debug) level=debug ;;
        info) level=info ;;
        # "warning" is what the agent says by itself; what is at notice here is a line for each start and push
        warning) level=notice ;;
        *) level=error ;;
    esac
    export AMESH_AGENT=1 AMESH_LOG_LEVEL=${AMESH_LOG_LEVEL:-$level}
    run "${all[@]}"
}

# GET by the shell itself: the image has no other client.
get() {
    local line code=
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
    IFS= read -r line <&3 || return 1
    while [ "${line%$'\r'}" != "" ]; do
        [[ $line =~ ^HTTP/1.[01]\ ([0-9]+) ]] && code=${BASH_REMATCH[1]}
        IFS= read -r line <&3 || break
    done
    cat <&3
    exec 3>&-
    [ "$code" = 200 ]
}

wait_ready() {
    local deadline=$((SECONDS + ${1:-60})) said
    until said=$(get $READY /healthz/ready 2>&1); do
        [ $SECONDS -lt $deadline ] || die "not ready: $said"
        sleep 0.2
    done
}

case ${1:-run} in
    run) run "$@" ;;
    prepare) prepare ;;
    wait) wait_ready "${2:-60}" ;;
    status) get $CONTROL "${2:-/v1/amesh/status}" ;;
    -h | --help | help) usage ;;
    -*) as_envoy "$@" ;;
    *) exec "$@" ;;
esac
