# What the measurements with a real APISIX share: include it with `.`, after `root`, `work` and APISIX_HOME are set.

# lay_out FOLDER: a home of APISIX with configuration and logs of its own
lay_out() {
    mkdir -p "$1/conf" "$1/logs"
    for part in apisix bin deps; do
        [ ! -e "$APISIX_HOME/$part" ] || ln -s "$APISIX_HOME/$part" "$1/$part"
    done
    cp -r "$APISIX_HOME/conf/." "$1/conf/"
    rm -f "$1"/conf/*.sock "$1/conf/apisix.yaml"
}

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
    (cd "$1" && bash ./bin/apisix init) > "$1/init" 2>&1 || { cat "$1/init"; exit 1; }
    openresty -p "$1" -c "$1/conf/nginx.conf" -g 'daemon off;' > "$1/out" 2>&1 &
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
