#!/bin/sh
# Starts the test gateway in the foreground: start.sh PREFIX_DIR
#
# PREFIX_DIR gets nginx.conf, logs/ and temp/. Environment (all optional):
#   AMESH_LIBRARY            path of libxds.so; without it the zones stay as they are
#   AMESH_SOURCE             where the configuration comes from, e.g. grpc://127.0.0.1:15010
#   AMESH_OPTIONS            JSON object, more options of the library (plugin_attr.amesh in APISIX)
#   GATEWAY_PORT             port for captured traffic (15001); more, separated by spaces, are listened on alike
#   GATEWAY_CONTROL_PORT     port on 127.0.0.1 for status (15080)
#   GATEWAY_WORKERS          number of workers (2)
#   GATEWAY_USER             user of the workers, which capturing rules exempt (www-data)
#   GATEWAY_ERROR_LOG_LEVEL  level of logs/error.log (notice)
#   GATEWAY_HTTP_CONF        nginx file included in the http block, for tests
#   ZONE_SIZE                size of xds-config (64m)
# AMESH_*, POD_*, ISTIO_*, INSTANCE_* and DOTNET_* variables reach the library.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1/logs" "$1/temp"
prefix=$(cd "$1" && pwd)
user=${GATEWAY_USER:-www-data}
chown "$user" "$prefix/temp" 2>/dev/null || true

listen=
ports=
for port in ${GATEWAY_PORT:-15001}; do
    listen="$listen listen $port reuseport; listen [::]:$port reuseport;"
    ports="$ports$port,"
done
export GATEWAY_PORTS="${ports%,}"

environment=
for name in $(env | sed -n 's/^\(\(AMESH\|GATEWAY\|POD\|ISTIO\|INSTANCE\|DOTNET\)_[A-Za-z0-9_]*\)=.*/\1/p'); do
    environment="$environment env $name;"
done

http_conf=
if [ -n "${GATEWAY_HTTP_CONF:-}" ]; then
    http_conf="include $GATEWAY_HTTP_CONF;"
fi

sed -e "s|%PREFIX%|$prefix|g" \
    -e "s|%ROOT%|$root|g" \
    -e "s|%GATEWAY%|$here|g" \
    -e "s|%USER%|$user|g" \
    -e "s|%WORKERS%|${GATEWAY_WORKERS:-2}|g" \
    -e "s|%LISTEN%|$listen|g" \
    -e "s|%CONTROL_PORT%|${GATEWAY_CONTROL_PORT:-15080}|g" \
    -e "s|%HTTP_CONF%|$http_conf|g" \
    -e "s|%LEVEL%|${GATEWAY_ERROR_LOG_LEVEL:-notice}|g" \
    -e "s|%ZONE_SIZE%|${ZONE_SIZE:-64m}|g" \
    -e "s|%ENVIRONMENT%|$environment|g" \
    "$here/nginx.conf.template" > "$prefix/nginx.conf"

exec nginx -p "$prefix" -c "$prefix/nginx.conf" -g 'daemon off;'
