# What stands on a real APISIX shares: include it with `.`. APISIX_HOME is APISIX's home, its openresty is on the PATH.
[ -d "${APISIX_HOME:?set it to the home of an APISIX 3, and have its openresty on the PATH}/apisix" ] || { echo "no APISIX in $APISIX_HOME"; exit 1; }

# lay_out FOLDER: a home with configuration and logs of its own
lay_out() {
    mkdir -p "$1/conf" "$1/logs"
    for part in apisix bin deps; do
        [ ! -e "$APISIX_HOME/$part" ] || ln -sfn "$APISIX_HOME/$part" "$1/$part"
    done
    cp -r "$APISIX_HOME/conf/." "$1/conf/"
    rm -f "$1"/conf/*.sock "$1/conf/apisix.yaml"
}

# init_home FOLDER: makes its nginx.conf from its config.yaml
init_home() {
    (cd "$1" && bash ./bin/apisix init) > "$1/init" 2>&1 || { cat "$1/init"; exit 1; }
}
