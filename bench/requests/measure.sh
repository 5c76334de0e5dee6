#!/bin/sh
# What the mesh costs a request: Istio's Bookinfo in APISIX with Amesh against APISIX alone with an equal route. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/bench/lib.sh"
rounds=${ROUNDS:-9}
seconds=${SECONDS_EACH:-2}

# --- the network: services of Bookinfo, captured as in a pod
ip address add 10.96.1.2/32 dev lo
iptables -t nat -A OUTPUT -p tcp -m owner ! --uid-owner nobody -d 10.96.1.2 -j REDIRECT --to-ports 15001

# --- the endpoints of the recording: one of details, three of reviews
mkdir -p "$work/endpoints/logs"
cat > "$work/endpoints/nginx.conf" <<CONF
worker_processes 1;
pid $work/endpoints/pid;
error_log $work/endpoints/logs/error.log;
events { worker_connections 4096; }
http {
    access_log off;
    server {
        listen 127.0.2.1:9080;
        listen 127.0.3.1:9080;
        listen 127.0.4.1:9080;
        listen 127.0.5.1:9080;
        keepalive_requests 1000000;
        location / { return 200 "hello"; }
    }
}
CONF
openresty -p "$work/endpoints" -c "$work/endpoints/nginx.conf" -g 'daemon off;' &
servers=$!

# --- APISIX with the mesh, and APISIX alone
lay_out "$work/mesh"
mesh_config "$work/mesh" "\"recording:$root/samples/istio/bookinfo?step=base\""
serve "$work/mesh"
mesh=$!

lay_out "$work/stock"
cat > "$work/stock/conf/config.yaml" <<CONF
deployment: {role: data_plane, role_data_plane: {config_provider: yaml}}
apisix:
  node_listen: [{ip: 127.0.0.1, port: 19080}]
  ssl: {enable: false}
  enable_control: false
  router: {http: radixtree_host_uri}
  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: $work/stock/cache, cache_levels: "1:2"}]}
plugins: [${STOCK_PLUGINS:-}]
nginx_config:
  worker_processes: 1
  error_log_level: error
  worker_rlimit_nofile: 20000
  http: {access_log: "off", enable_access_log: false}
CONF
cat > "$work/stock/conf/apisix.yaml" <<CONF
upstreams:
  - {id: details, type: roundrobin, nodes: {"127.0.2.1:9080": 1}}
  - {id: reviews, type: ${STOCK_BALANCER:-roundrobin}, nodes: {"127.0.3.1:9080": 1, "127.0.4.1:9080": 1, "127.0.5.1:9080": 1}}
routes:
  - {id: details, uri: /*, hosts: [details.default.svc.cluster.local, details.default.svc, details.default, details, 10.96.1.2], upstream_id: details}
  - {id: reviews, uri: /*, hosts: [reviews.default.svc.cluster.local, reviews.default.svc, reviews.default, reviews, 10.96.1.4], upstream_id: reviews}
#END
CONF
serve "$work/stock"
stock=$!

for service in details reviews; do
    answers hello -H "Host: $service:9080" http://10.96.1.2:9080/
    answers hello -H "Host: $service:9080" http://127.0.0.1:19080/
done

# --- the rounds. Headers as a browser's or a gRPC library's client sends them beside Host.
set -- -H 'Accept: */*' -H 'User-Agent: measure/1.0' -H 'X-Request-Id: 2b3e2a52-6f0c-4d9a-a4a4-4b4b1d7c4f00' -H 'Cookie: session=0123456789abcdef' -H 'Accept-Encoding: gzip'
for round in $(seq "$rounds"); do
    for service in details reviews; do
        ask "$mesh" "mesh-$service" http://10.96.1.2:9080/api/v1/0 -H "Host: $service:9080" "$@"
        ask "$stock" "stock-$service" http://127.0.0.1:19080/api/v1/0 -H "Host: $service:9080" "$@"
    done
done

echo "| service | APISIX alone, µs | with Amesh, µs | ratio |"
echo "|---|---:|---:|---:|"
for service in details reviews; do
    # of the two in the same round, since other work comes and goes
    paste "$work/mesh-$service-cpu" "$work/stock-$service-cpu" | awk '{ print $1 / $2 }' > "$work/ratio-$service-cpu"
    awk -v s="$(median "stock-$service")" -v m="$(median "mesh-$service")" -v r="$(median "ratio-$service")" -v name="$service" \
        'BEGIN { printf "| %s | %.0f | %.0f | %.2f |\n", name, s, m, r }'
done
echo "microseconds of the worker for a request on a kept connection; medians of $rounds rounds of $seconds s, one worker, 16 connections"
