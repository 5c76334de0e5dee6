# What the measurements with a real APISIX share: include it with `.`, after `root` is set. From there on the script runs in a
# network namespace of its own, with a folder of its own in `work`; what is in `servers` is ended with it.
. "$root/native-tests/apisix/home.sh"
command -v wrk >/dev/null || { echo "wrk is missing"; exit 1; }
if [ "${AMESH_BENCH_INSIDE:-}" != yes ]; then
    exec env AMESH_BENCH_INSIDE=yes unshare --net --mount sh "$0" "$@"
fi

library=${AMESH_LIBRARY:-$root/artifacts/libxds.so}
work=$(mktemp -d)
chmod 755 "$work"
servers=
end() {
    for one in $servers; do
        kill -TERM "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
    done
    [ -n "${KEEP:-}" ] && echo "kept $work" || rm -rf "$work"
}
trap end EXIT
ip link set lo up
ip route add default dev lo

# mesh_config FOLDER SOURCE SED...: config.yaml as the repository has it, for one worker and a source; further changes as sed's -e
mesh_config() {
    folder=$1
    source=$2
    shift 2
    node=$(tr '\n' ' ' < "$root/samples/istio/bookinfo/node.json")
    settings="  enable_control: true\n  control: {ip: 127.0.0.1, port: 15000}\n  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m,"
    settings="$settings disk_path: $folder/cache, cache_levels: \"1:2\"}]}"
    sed -e "s|/usr/local/amesh|$root|g" \
        -e "s|^  # HTTP/1.1 and HTTP/2 without|$settings\n&|" \
        -e "s|^    source: .*|    source: $source\n    library: $library\n    node: $node|" \
        -e "s|^nginx_config:|&\n  worker_processes: 1\n  error_log_level: error\n  worker_rlimit_nofile: 20000|" \
        -e "s|^  http:|&\n    access_log: \"off\"\n    enable_access_log: false|" \
        "$@" "$root/apisix-patch/config.yaml" > "$folder/conf/config.yaml"
}

# serve FOLDER: runs its APISIX; $! is the master
serve() {
    init_home "$1"
    openresty -p "$1" -c "$1/conf/nginx.conf" -g 'daemon off;' > "$1/out" 2>&1 &
    servers="$servers $!"
}

# ticks MASTER: processor time of its worker
ticks() { awk '{ print $14 + $15 }' "/proc/$(pgrep -P "$1" -f 'worker process' | head -1)/stat"; }

# Other work on the machine changes how much is done in a second, but hardly what the worker's processor time is spent on.
# ask MASTER NAME URL WRK-OPTION...: notes the microseconds of the worker for each request in $work/NAME-cpu
ask() {
    master=$1
    name=$2
    url=$3
    shift 3
    before=$(ticks "$master")
    wrk -t1 -c16 -d"${seconds}s" "$@" "$url" > "$work/wrk"
    after=$(ticks "$master")
    if grep -q 'Non-2xx\|Socket errors' "$work/wrk"; then
        grep 'Non-2xx\|Socket errors' "$work/wrk" | sed "s|^|$url: |" >&2
    fi
    awk -v spent=$((after - before)) -v hz="$(getconf CLK_TCK)" '/ requests in / { print spent * 1000000 / hz / $1 }' "$work/wrk" >> "$work/$name-cpu"
}

# median NAME: of what `ask` noted
median() { sort -n "$work/$1-cpu" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# answers WORDS CURL-ARGUMENT...: waits until that is the answer
answers() {
    words=$1
    shift
    for _ in $(seq 200); do
        [ "$(curl -s --noproxy '*' "$@")" = "$words" ] && return 0
        sleep 0.1
    done
    echo "no answer: $*"
    return 1
}
