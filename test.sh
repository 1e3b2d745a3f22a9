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

With CI=true a missing peer is a failure. Peers: Go, curl, Node, Python; their
paths can be given as HIJACK_GO, HIJACK_CURL, HIJACK_NODE and HIJACK_PYTHON.
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

step 'layers'
testing/layers.sh
testing/layers-test.sh

step 'format'
cargo fmt --all --check

step 'lints'
cargo clippy --workspace --all-targets --all-features -- -D warnings
cargo clippy -p hijack --no-default-features -- -D warnings

step 'docs'
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --all-features --no-deps

step 'fuzz targets'
testing/fuzz-smoke.sh

step 'doc tests'
cargo test --workspace --all-features --doc

step 'tests'
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --all-features --no-fail-fast
else
  cargo test --workspace --all-features --lib --bins --tests --examples --no-fail-fast
fi
