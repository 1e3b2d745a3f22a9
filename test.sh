#!/bin/sh
# Everything this project checks, in one command. Needs Rust; the foreign peers
# of the tests are found or installed by testing/peers.sh.
set -eu
cd "$(dirname "$0")"

usage() {
  cat <<'HELP'
Usage: ./test.sh [--quick]

Checks layers, format, lints and docs, then runs the doc tests, then every test.

  --quick   without installing foreign peers: tests for which a peer is missing
            say so and are skipped
  --help    this text

With CI=true a missing peer is a failure. Peers: Go, curl, Node, Python, nginx,
HAProxy, dockerd and podman (which only root can start), docker (28 or later, to be
compared with ours) and a static busybox for their containers; their paths can be
given as HIJACK_GO, HIJACK_CURL, HIJACK_NODE, HIJACK_PYTHON, HIJACK_NGINX,
HIJACK_HAPROXY, HIJACK_DOCKERD, HIJACK_DOCKER, HIJACK_PODMAN and HIJACK_BUSYBOX.
For WebSocket: Python's websockets, Node's ws, Go's gorilla and x/net, Chromium
and Autobahn (HIJACK_WEBSOCKETS, HIJACK_NODE_MODULES, HIJACK_GOCODE,
HIJACK_CHROMIUM, HIJACK_WSTEST). For gRPC: Python's grpcio (HIJACK_GRPCIO), and
beside the libraries of WebSocket Node's grpc-js and grpc-go. HIJACK_AUTOBAHN=all runs also the 216 cases of
Autobahn that compress, which takes some ten minutes. HIJACK_GATEWAY_ROUNDS is how
often each command of docker is run through the gateway, 3 times if not given, and
HIJACK_GATEWAY_MIB the size of its images; HIJACK_DOCKER_ROUNDS is how often short
commands run in a row through our own client, 20 times if not given,
HIJACK_DOCKER_MIB what goes through `hijack docker run -i`, 64, and
HIJACK_ENGINE_ROUNDS each command of docker before the example docker_engine, 3.
HELP
}

quick=false
for argument in "$@"; do
  case $argument in
    --quick) quick=true ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
step() { echo "── $*"; }

command -v cargo >/dev/null || { echo 'test.sh: cargo not found: install Rust (rustup.rs)' >&2; exit 1; }
if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
  step 'rustfmt and clippy'
  rustup component add rustfmt clippy
fi

if [ "$quick" = false ]; then
  step 'foreign peers'
  exports=$(testing/peers.sh)
  eval "$exports"
  echo "$exports" | cut -d' ' -f2-
fi

# A failed check does not hide the tests: they run all the same, and end what is printed.
failed=''
check() {
  step "$1"
  name=$1
  shift
  "$@" || { echo "test.sh: failed: $name" >&2; failed="$failed, $name"; }
}
docs() { RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps; }
tests() {
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --all-features --no-fail-fast
  else
    cargo test --workspace --all-features --lib --bins --tests --examples --no-fail-fast
  fi
}

check 'layers' testing/layers.sh
check 'layers, with planted offences' testing/layers-test.sh
check 'format' cargo fmt --all --check
check 'lints' cargo clippy --workspace --all-targets --all-features -- -D warnings
check 'lints without features' cargo clippy -p hijack --no-default-features -- -D warnings
check 'docs' docs
check 'fuzz targets' testing/fuzz-smoke.sh
check 'doc tests' cargo test --workspace --all-features --doc

step "tests${failed:+ (failed before: ${failed#, })}"
tests && [ -z "$failed" ]
