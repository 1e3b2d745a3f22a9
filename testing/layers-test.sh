#!/bin/sh
# The layer checks are checked: each planted offence, in a copy of the
# workspace, must make testing/layers.sh fail and be named by it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
proto=crates/hijack-proto

fresh() {
  rm -rf "$copy/w"
  mkdir "$copy/w"
  (cd "$root" && git ls-files --cached --others --exclude-standard | tar cf - -T -) | tar xf - -C "$copy/w"
}
# planted NAME EXPECTED-WORDS COMMAND…: runs COMMAND in a fresh copy, then the checks.
planted() {
  name=$1 expected=$2
  shift 2
  fresh
  (cd "$copy/w" && "$@")
  if "$root/testing/layers.sh" "$copy/w" >"$copy/out" 2>&1; then
    echo "layers-test: $name was not noticed" >&2
    exit 1
  fi
  grep -qF "$expected" "$copy/out" || {
    echo "layers-test: $name was noticed, but not named as: $expected" >&2
    cat "$copy/out" >&2
    exit 1
  }
  echo "layers-test: noticed: $name"
}
add() { # table line manifest
  awk -v table="[$1]" -v line="$2" '{ print } $0 == table { print line; done = 1 }
    END { if (!done) print table "\n" line }' "$3" >"$3.new" && mv "$3.new" "$3"
}
no_lints() { sed -i '/^\[lints\]/,$d' "$1"; }
feature() { echo '#[cfg(feature = "x")] mod x {}' >"$1"; }
no_row() {
  mkdir -p crates/hijack-new/src
  printf '[package]\nname = "hijack-new"\nedition = "2024"\n[lints]\nworkspace = true\n' >crates/hijack-new/Cargo.toml
  echo '//! New.' >crates/hijack-new/src/lib.rs
}
unforbid() { sed -i 's/^unsafe_code = "forbid"/unsafe_code = "warn"/' Cargo.toml; }
clock() { echo 'fn now() -> std::time::Instant { std::time::Instant::now() }' >>$proto/src/lib.rs; }

planted 'IO in hijack-proto' 'hijack-proto reaches tokio' add dependencies 'tokio.workspace = true' $proto/Cargo.toml
planted 'an arrow upward' 'cargo cannot resolve' add dependencies 'hijack.workspace = true' $proto/Cargo.toml
planted 'an arrow upward in tests' 'the tests of hijack-proto must not depend on hijack' \
  add dev-dependencies 'hijack.workspace = true' $proto/Cargo.toml
planted 'an arrow sideways' 'hijack-differential must not depend on hijack' \
  add dependencies 'hijack.workspace = true' testing/differential/Cargo.toml
planted 'a crate without a place' 'hijack-new (' no_row
planted 'a crate outside the lint table' 'hijack does not inherit' no_lints crates/hijack/Cargo.toml
planted 'unsafe code allowed' 'must say unsafe_code' unforbid
planted 'a feature outside lib.rs' 'crates/hijack/src/x.rs asks for a feature' feature crates/hijack/src/x.rs

# The clock is banned by clippy, from crates/hijack-proto/clippy.toml.
fresh
(cd "$copy/w" && clock)
if (cd "$copy/w" && cargo clippy --quiet -p hijack-proto) >"$copy/out" 2>&1; then
  echo 'layers-test: a clock in hijack-proto was not noticed' >&2
  exit 1
fi
grep -q 'disallowed method `std::time::Instant::now`' "$copy/out" || { cat "$copy/out" >&2; exit 1; }
echo 'layers-test: noticed: a clock in hijack-proto'
