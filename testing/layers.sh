#!/bin/sh
# Layers are checked, not hoped for: fails, naming every offence, when an arrow
# between the crates of this workspace points upward, when IO, clocks or
# randomness reach hijack-proto, or when a crate steps out of the lint table.
#
# Usage: testing/layers.sh [WORKSPACE]      (default: the one this script is in)
set -eu
cd "${1:-$(dirname "$0")/..}"

# Every crate of the workspace and the crates of the workspace it may use.
# A crate without a row is an offence, so a new crate states its place here.
rows() {
  cat <<'TABLE'
hijack-gob-derive:
hijack-gob:          hijack-gob-derive
hijack-proto:
hijack:              hijack-proto hijack-gob
hijack-docker:       hijack hijack-proto
hijack-tonic:        hijack hijack-proto
hijack-axum:         hijack hijack-proto
hijack-gateway:      hijack hijack-proto
hijack-cli:          hijack hijack-proto hijack-gob hijack-docker hijack-tonic hijack-axum hijack-gateway
hijack-testkit:      hijack hijack-proto
hijack-differential: hijack-proto
hijack-properties:   hijack-proto hijack-gob
hijack-interop:      hijack hijack-docker hijack-gob hijack-gateway
hijack-bench:        *
hijack-examples:     *
TABLE
}
# Tests may reach further than the crate itself: `crate: what its dev-dependencies may add`.
test_rows() {
  cat <<'TABLE'
hijack-gob-derive:   hijack-gob
hijack-gob:          hijack-properties
hijack-proto:        hijack-properties
hijack:              hijack-testkit
hijack-docker:       hijack-testkit
hijack-tonic:        hijack-testkit
hijack-axum:         hijack-testkit
hijack-gateway:      hijack-testkit
hijack-cli:          hijack-testkit
hijack-interop:      hijack-differential hijack-gob hijack-tonic hijack-axum
TABLE
}
# What must not be reachable from the crates without IO.
pure='hijack-proto hijack-gob'
foreign_to_pure='tokio hyper mio rustix socket2 libc rand getrandom fastrand async-io smol'

offences=0
offence() { echo "layers: $*" >&2; offences=$((offences + 1)); }
# The words after `NAME:` in a table on stdin.
row() { sed -n "s/^$1:  *//p"; }
has() { case " $1 " in *" $2 "* | *' * '*) true ;; *) false ;; esac; }

# Workspace members as `name manifest`.
members() {
  cargo metadata --no-deps --format-version 1 |
    grep -o '"manifest_path":"[^"]*"' | cut -d'"' -f4 |
    while read -r manifest; do
      echo "$(sed -n 's/^name *= *"\(.*\)"/\1/p' "$manifest" | head -n 1) $manifest"
    done
}
# The direct dependencies of $1 that are crates of this workspace, by kinds $2.
edges() {
  cargo tree -p "$1" -e "$2" --all-features --depth 1 --prefix depth |
    sed -n 's/^1\([^ ]*\) .*(\/.*/\1/p' | sort -u
}

check_edges() { # name manifest
  rows | grep -q "^$1:" || { offence "$1 ($2) has no row in testing/layers.sh"; return; }
  allowed=$(rows | row "$1")
  for to in $(edges "$1" normal,build); do
    has "$allowed" "$to" || offence "$1 must not depend on $to"
  done
  for to in $(edges "$1" dev); do
    has "$allowed $(test_rows | row "$1")" "$to" || offence "the tests of $1 must not depend on $to"
  done
}

check_lints() { # name manifest
  awk '/^\[/ { here = ($0 == "[lints]") } here && /^workspace *= *true/ { found = 1 } END { exit !found }' "$2" ||
    offence "$1 does not inherit the lint table ([lints] workspace = true in $2)"
}

check_pure() { # name
  tree=$(cargo tree -p "$1" -e normal --all-features --target all --prefix none | cut -d' ' -f1 | sort -u)
  for crate in $foreign_to_pure; do
    if has "$(echo $tree)" "$crate"; then offence "$1 reaches $crate (cargo tree -p $1 -e normal -i $crate)"; fi
  done
  if [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
    cargo check --quiet -p "$1" --target wasm32-unknown-unknown || offence "$1 does not compile for wasm32-unknown-unknown"
  else
    echo "layers: wasm32-unknown-unknown is not installed, $1 not compiled for it"
  fi
}

list=$(members) || { offence "cargo cannot read the workspace"; exit 1; }
# A cycle of crates is refused by cargo itself, before any table is asked.
cargo tree --quiet --workspace --depth 0 >/dev/null || { offence "cargo cannot resolve the workspace"; exit 1; }
while read -r name manifest; do
  check_edges "$name" "$manifest"
  check_lints "$name" "$manifest"
  if has "$pure" "$name"; then check_pure "$name"; fi
done <<MEMBERS
$list
MEMBERS

awk '/^\[/ { here = ($0 == "[workspace.lints.rust]") } here && /^unsafe_code *= *"forbid"/ { found = 1 } END { exit !found }' Cargo.toml ||
  offence 'the lint table must say unsafe_code = "forbid"'
for file in $(find crates/*/src -name '*.rs' ! -path 'crates/*/src/lib.rs'); do
  if grep -nE '\bfeature *= *"' "$file"; then offence "$file asks for a feature: only lib.rs may"; fi
done

if [ "$offences" -gt 0 ]; then
  echo "layers: $offences offence(s)" >&2
  exit 1
fi
echo "layers: $(echo "$list" | wc -l) crates, every arrow points downward"
