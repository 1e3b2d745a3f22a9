#!/bin/sh
# Runs every fuzz target of fuzz/ for ten seconds (or SECONDS_EACH), where
# cargo-fuzz and a nightly toolchain are installed; says so and succeeds where not.
set -eu
cd "$(dirname "$0")/.."
[ -d fuzz ] || { echo 'fuzz: no fuzz/ here'; exit 0; }
cargo +nightly fuzz --version >/dev/null 2>&1 || {
  echo 'fuzz: cargo-fuzz or the nightly toolchain is not installed, nothing fuzzed'
  exit 0
}
for target in $(cargo +nightly fuzz list); do
  echo "fuzz: $target"
  # What is found goes to the first folder, so that the committed corpus stays as it is.
  found=$(mktemp -d)
  cargo +nightly fuzz run "$target" "$found" "fuzz/corpus/$target" -- -max_total_time="${SECONDS_EACH:-10}" -verbosity=0
  rm -r "$found"
done
