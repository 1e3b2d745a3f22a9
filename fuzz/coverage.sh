#!/bin/sh
# Line coverage of hijack-proto's decoders from the committed corpus: replays it in an instrumented build of the
# ordinary test, so that no fuzzer takes part. Needs a nightly toolchain with its llvm-tools component. Options
# go to llvm-cov report; with `lines` alone, the lines that were not reached are listed instead.
set -eu
cd "$(dirname "$0")/.."
out="${CARGO_TARGET_DIR:-target}/coverage"
tools="$(dirname "$(rustc +nightly --print target-libdir)")/bin"
decoders="body head h1 tokens.rs ws"
mkdir -p "$out"
out="$(cd "$out" && pwd)"
rm -f "$out"/*.profraw

export CARGO_TARGET_DIR="$out" LLVM_PROFILE_FILE="$out/%p.profraw" RUSTFLAGS='-C instrument-coverage'
test="$(cargo +nightly test -p hijack-proto --test properties --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')"
rm -f "$out"/*.profraw # of build scripts
"$test" every_file_of_the_fuzz_corpus_holds >"$out/log" || { tail "$out/log"; exit 1; }
"$tools/llvm-profdata" merge -sparse "$out"/*.profraw -o "$out/corpus.profdata"

sources=
for part in $decoders; do
  sources="$sources $PWD/crates/hijack-proto/src/$part"
done
if [ "${1:-}" = lines ]; then
  # shellcheck disable=SC2086 # one word for each source
  "$tools/llvm-cov" show "$test" -instr-profile="$out/corpus.profdata" $sources |
    awk '/^\// { file = $0 } /^ *[0-9]+\| +0\|/ { print file $0 }'
  exit
fi
# shellcheck disable=SC2086
"$tools/llvm-cov" report "$test" -instr-profile="$out/corpus.profdata" "$@" $sources
