#!/usr/bin/env bash
# Builds, shows and tests Amesh on a Debian machine with the .NET SDK. Installs what else is missing.
set -euo pipefail
cd "$(dirname "$0")"

readonly ARTIFACTS=$PWD/artifacts
readonly LOGS=$ARTIFACTS/logs
readonly IMAGE_FILES=$ARTIFACTS/image
readonly HARNESS=$ARTIFACTS/bin/Amesh.Harness/release/Amesh.Harness.dll
# What is needed of Debian: a command or file that shows it is there, and the package.
readonly NEEDED=(
    nginx:nginx
    /usr/lib/nginx/modules/ngx_http_lua_module.so:libnginx-mod-http-lua
    /usr/share/lua/5.1/resty/core.lua:lua-resty-core
    /usr/lib/x86_64-linux-gnu/lua/5.1/cjson.so,/usr/lib/aarch64-linux-gnu/lua/5.1/cjson.so:lua-cjson
    /usr/share/lua/5.1/lyaml/init.lua:lua-yaml
    luajit:luajit2
    luacheck:lua-check
    gcc:gcc
    /usr/include/stdio.h:libc6-dev
    nm:binutils
    ip:iproute2
    iptables:iptables
    curl:curl
    /usr/bin/kill,/bin/kill:procps
    node:nodejs
    npm:npm
)

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
passed=0 failed=0

usage() {
    cat <<'TEXT'
usage: ./build.sh [VERB]
  (none)         install what is missing, build everything; the library is artifacts/libxds.so
  demo [--keep]  the recorded Bookinfo mesh, step by step, with real requests through nginx (root)
  test           every suite; the last line is "N passed, N failed" (root); with APISIX_HOME set, a real APISIX as well
  bench          the benchmarks
  image [TARGET] the container image (docker, podman or buildah), sidecar or istio; BASE=, ISTIO= and IMAGE= name what it is
                 made of and its own name; see docs/container.md
  clean          remove what was built
TEXT
}

die() { echo "build.sh: $*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo --preserve-env env "PATH=$PATH" "$@"; else die "$1 needs root"; fi
}

# There when any of a comma-separated list of commands or files is.
is_there() {
    local one
    for one in ${1//,/ }; do
        case $one in
            /*) [ -e "$one" ] && return 0 ;;
            *) command -v "$one" >/dev/null && return 0 ;;
        esac
    done
    return 1
}

install_missing() {
    command -v dotnet >/dev/null || die "the .NET SDK 10 is missing: see https://learn.microsoft.com/dotnet/core/install/linux-debian"
    local major
    major=$(dotnet --version 2>/dev/null | cut -d. -f1) || true
    [ "${major:-0}" -ge 10 ] || die "the .NET SDK 10 is needed; this one is $(dotnet --version 2>&1 | head -1)"
    local entry missing=()
    for entry in "${NEEDED[@]}"; do
        is_there "${entry%:*}" || missing+=("${entry##*:}")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        command -v apt-get >/dev/null || die "missing: ${missing[*]} (this is not Debian, so they cannot be installed from here)"
        echo "installing ${missing[*]}"
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

# Node packages of the test programs, once per lock file.
install_node_packages() {
    local lock folder
    for lock in native-tests/*/package-lock.json; do
        [ -e "$lock" ] || continue
        folder=$(dirname "$lock")
        if [ ! -e "$folder/node_modules/.package-lock.json" ] || [ "$lock" -nt "$folder/node_modules/.package-lock.json" ]; then
            echo "npm ci in $folder"
            (cd "$folder" && npm ci --silent --no-audit --no-fund)
            touch "$folder/node_modules/.package-lock.json"
        fi
    done
}

runtime_id() {
    case $(uname -m) in
        x86_64) echo linux-x64 ;;
        aarch64) echo linux-arm64 ;;
        *) die "no library for $(uname -m)" ;;
    esac
}

build() {
    install_missing
    dotnet build Amesh.sln -c Release -v quiet
    build_library
}

build_library() {
    local rid
    rid=$(runtime_id)
    dotnet publish src/Amesh.Native/Amesh.Native.csproj -c Release -r "$rid" -v quiet
    install -m 755 "$ARTIFACTS/publish/Amesh.Native/release_$rid/libxds.so" "$ARTIFACTS/libxds.so"
    echo "built $(du -h "$ARTIFACTS/libxds.so" | cut -f1) artifacts/libxds.so"
}

# The first engine that works here.
container_engine() {
    local engine
    for engine in docker podman buildah; do
        if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
            echo "$engine"
            return
        fi
    done
    die "no docker, podman or buildah that works here; what the image is made of is in ${IMAGE_FILES#"$PWD"/}: COMMAND build -f container/Dockerfile --target TARGET ${IMAGE_FILES#"$PWD"/}"
}

# What container/Dockerfile copies, at the paths that it has in the image.
stage_image() {
    local rid
    rid=$(runtime_id)
    build_library
    # a path of its own: the same projects for another framework
    dotnet publish src/Amesh.Cli/Amesh.Cli.csproj -c Release -r "$rid" -v quiet -p:HostAheadOfTime=true --artifacts-path "$ARTIFACTS/ahead"
    rm -rf "$IMAGE_FILES"
    mkdir -p "$IMAGE_FILES/bin" "$IMAGE_FILES/container"
    install -m 755 "$ARTIFACTS/libxds.so" "$IMAGE_FILES/"
    install -m 755 "$ARTIFACTS/ahead/publish/Amesh.Cli/release_$rid/amesh" "$IMAGE_FILES/bin/"
    cp -R lua apisix-patch LICENSE "$IMAGE_FILES/"
    cp container/amesh-proxy.sh container/configure.lua container/config.yaml "$IMAGE_FILES/container/"
    chmod -R u=rwX,go=rX "$IMAGE_FILES"
}

image() {
    local target=$1 engine name version arguments=()
    case ${target:=sidecar} in
        sidecar) name=amesh-sidecar ;;
        istio) name=amesh-sidecar-istio ;;
        *) die "the image is sidecar or istio, not $target" ;;
    esac
    install_missing
    stage_image
    engine=$(container_engine)
    version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' Directory.Build.props)
    name=${IMAGE:-$name:$version}
    [ -z "${BASE:-}" ] || arguments+=(--build-arg "BASE=$BASE")
    [ -z "${ISTIO:-}" ] || arguments+=(--build-arg "ISTIO=$ISTIO")
    "$engine" build -f container/Dockerfile --target "$target" "${arguments[@]}" -t "$name" "$IMAGE_FILES"
    echo "built $name ($engine)"
}

# The same code linked under another version, for the test that replaces a library by a newer one.
link_next() {
    local rid folder=$ARTIFACTS/next/
    rid=$(runtime_id)
    dotnet publish src/Amesh.Native/Amesh.Native.csproj -c Release -r "$rid" -v quiet -p:LibraryVersion=999.0.0 -p:NativeOutputPath="$folder" -p:PublishDir="${folder}publish/"
}

harness() { as_root dotnet "$HARNESS" "$@"; }

# Adds the numbers of one suite: of its last line that carries them. A suite that could not run is a failure.
suite() {
    local name=$1 log code=0 line p=0 f=0
    shift
    log=$LOGS/$name.log
    echo "== $name"
    "$@" >"$log" 2>&1 || code=$?
    line=$(grep -E '[0-9]+ passed, [0-9]+ failed|Failed: +[0-9]+, Passed: +[0-9]+|[0-9]+ success(es)? / [0-9]+ failures? / [0-9]+ errors?' "$log" | tail -1) || true
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
    elif [[ $line =~ Failed:\ +([0-9]+),\ Passed:\ +([0-9]+) ]]; then
        p=${BASH_REMATCH[2]} f=${BASH_REMATCH[1]}
    elif [[ $line =~ ([0-9]+)\ success(es)?\ /\ ([0-9]+)\ failures?\ /\ ([0-9]+)\ error ]]; then
        p=${BASH_REMATCH[1]} f=$((BASH_REMATCH[3] + BASH_REMATCH[4]))
    else
        f=1
        echo "   did not run to its end (exit code $code)"
    fi
    if [ "$code" != 0 ] && [ "$f" = 0 ]; then
        f=1
        echo "   exit code $code"
    fi
    if [ "$f" != 0 ]; then
        grep -aE '^(FAIL|not ok|  Failed )|error' "$log" | head -40 | sed 's/^/   /' || true
        tail -15 "$log" | sed 's/^/   | /'
        echo "   all of it: $log"
    fi
    echo "   $p passed, $f failed"
    passed=$((passed + p)) failed=$((failed + f))
}

check_lua() {
    if luacheck --quiet --no-color --config lua/.luacheckrc lua container native-tests/gateway native-tests/lua native-tests/tls; then echo "1 passed, 0 failed"; else echo "0 passed, 1 failed"; fi
}

run_tests() {
    mkdir -p "$LOGS"
    build
    install_node_packages
    local project
    for project in tests/*/*.csproj; do
        suite "$(basename "$project" .csproj)" dotnet test "$project" -c Release --no-build
    done
    suite luacheck check_lua
    suite lua as_root native-tests/lua/run.sh
    suite cases as_root node native-tests/cases/run.mjs
    suite warming as_root node native-tests/warming/run.mjs
    suite verdicts-istio-bookinfo-delta harness verdicts --scenario istio-bookinfo --protocol delta
    suite verdicts-istio-bookinfo-sotw harness verdicts --scenario istio-bookinfo --protocol sotw
    local scenario
    # On the test gateway, which takes HTTP alone and ends no TLS: what it cannot do is listed in known-differences.json.
    for scenario in istio-traffic istio-resilience istio-protocols istio-gateway istio-bookinfo-reviews istio-security kuma-bookinfo kuma-bookinfo-2.14 kuma-policies; do
        suite "verdicts-$scenario" harness verdicts --scenario "$scenario" --protocol delta
    done
    suite dns as_root native-tests/dns/run.sh "$ARTIFACTS/libxds.so"
    suite native harness native
    suite container as_root node native-tests/container/prepare.mjs
    if [ -n "${APISIX_HOME:-}" ]; then
        for scenario in istio-bookinfo istio-protocols istio-gateway istio-bookinfo-reviews istio-security consul-bookinfo kuma-bookinfo kuma-bookinfo-tproxy; do
            suite "verdicts-$scenario-apisix" harness verdicts --scenario "$scenario" --target apisix
        done
        # private keys are looked for in all that an APISIX can show
        for scenario in istio-gateway kuma-bookinfo; do
            suite "secrets-$scenario-apisix" harness verdicts --scenario "$scenario" --target apisix --log-level debug
        done
        # APISIX's own router on the same objects answers what it can give as Amesh's does.
        for scenario in istio-bookinfo istio-traffic istio-gateway istio-resilience kuma-bookinfo; do
            suite "verdicts-$scenario-apisix-stock" harness verdicts --scenario "$scenario" --target apisix-stock
        done
        suite pod-apisix harness pod --connections 10000
        suite capture-apisix harness capture
        suite lua-apisix as_root native-tests/lua/apisix.sh
        link_next
        AMESH_NEXT_LIBRARY=$ARTIFACTS/next/libxds.so suite life-apisix as_root node native-tests/apisix/life.mjs
        suite container-apisix as_root node native-tests/container/run.mjs
        suite tls-apisix as_root native-tests/tls/run.sh
        suite cases-apisix as_root node native-tests/cases/run.mjs --target apisix
        suite warming-apisix as_root node native-tests/warming/run.mjs --target apisix
    fi
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

case ${1:-build} in
    build) build ;;
    demo)
        build
        harness "$@"
        ;;
    test) run_tests ;;
    bench)
        build
        shift
        exec bench/run.sh "$@"
        ;;
    image) image "${2:-}" ;;
    clean) rm -rf "$ARTIFACTS" native-tests/*/node_modules ;;
    -h | --help | help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
