#!/bin/sh
# Builds the console: checks the types of src/ and makes one script of it, which with
# page and style goes to where the gateway's crate embeds it. The built files are
# committed, so that Rust alone builds the program.
#
# Usage: console/build.sh [--check]
#
#   --check   builds, changes nothing, and fails if the committed files are older
#             than their sources
#
# Needs npm. esbuild and TypeScript, in the versions of package.json, come into
# target/console. Exit codes: 0 done, 1 wrong or out of date, 3 the tools cannot be had.
set -eu
cd "$(dirname "$0")"
into=../crates/hijack-gateway/src/admin/console
tools=${CARGO_TARGET_DIR:-$PWD/../target}/console

check=false
case ${1:-} in
  '') ;;
  --check) check=true ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' build.sh >&2; exit 2 ;;
esac

bin=$tools/node_modules/.bin
if ! cmp -s package.json "$tools/package.json" || [ ! -x "$bin/esbuild" ] || [ ! -x "$bin/tsc" ]; then
  command -v npm >/dev/null || { echo 'console: npm is missing: apt-get install npm' >&2; exit 3; }
  mkdir -p "$tools"
  { cp package.json "$tools/package.json" &&
    npm install --prefix "$tools" --silent --no-fund --no-audit --no-update-notifier --no-package-lock >&2; } ||
    { rm -f "$tools/package.json"; echo 'console: esbuild and TypeScript cannot be installed' >&2; exit 3; }
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$bin/tsc" --project tsconfig.json
"$bin/esbuild" src/main.ts --bundle --format=iife --target=es2022 --charset=utf8 --legal-comments=none \
  --banner:js='// Built from console/ at the root of the repository, by console/build.sh.' \
  --log-level=warning --outfile="$out/console.js"
"$bin/esbuild" src/console.css --target=es2022 --charset=utf8 --log-level=warning --outfile="$out/console.css"
cp src/index.html "$out/index.html"

if [ "$check" = true ]; then
  for file in index.html console.js console.css; do
    cmp "$out/$file" "$into/$file" || { echo "console: $file is out of date: run console/build.sh" >&2; exit 1; }
  done
else
  mkdir -p "$into"
  for file in index.html console.js console.css; do cp "$out/$file" "$into/$file"; done
  wc -c "$into/index.html" "$into/console.js" "$into/console.css"
fi
