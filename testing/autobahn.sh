#!/bin/sh
# Autobahn|Testsuite for the WebSocket tests: installs it under target/peers/autobahn
# and prints the line that exports HIJACK_WSTEST, a program that runs its `wstest`.
#
# The suite is written for Python 2, which Debian last had in bullseye. Its packages
# come from the mirror that this machine's own apt uses, into a folder of their own:
# the system's packages and its apt are not touched, and LD_LIBRARY_PATH is set for
# the suite's own processes only. Needs Debian's apt, Python 3 and a C compiler.
# testing/peers.sh runs this; a HIJACK_WSTEST that is already exported is kept.
set -eu
cd "$(dirname "$0")/.."
suite_version=25.10.1
target=${CARGO_TARGET_DIR:-$PWD/target}
# Where it really is, for what is installed there holds its path.
mkdir -p "$target/peers"
home=$(cd "$target/peers" && pwd -P)/autobahn
wstest=$home/wstest

say() { echo "autobahn: $*" >&2; }
done_with() { echo "export HIJACK_WSTEST='$1'"; exit; }
works() { "$wstest" --autobahnversion >/dev/null 2>&1; }

[ -z "${HIJACK_WSTEST:-}" ] || done_with "$HIJACK_WSTEST"
! works || done_with "$wstest"

root=$home/root
packages='python2.7-minimal python2.7 libpython2.7-minimal libpython2.7-stdlib libpython2.7
  libpython2.7-dev python2.7-dev libffi7 libssl1.1 libdb5.3 libreadline8 libtinfo6 libncursesw6'

# The mirror of this release's main archive, as apt knows it.
mirror() {
  . /etc/os-release
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' "Codename: $VERSION_CODENAME" | head -n 1
}

# An apt with no state but its own.
private_apt() {
  apt-get -q -o Dir::State="$home/apt" -o Dir::State::status="$home/apt/status" \
    -o Dir::Cache="$home/apt/cache" -o Dir::Etc::SourceList="$home/apt/sources.list" \
    -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User="$(id -un)" "$@"
}

unpack_python() {
  at=$(mirror)
  [ -n "$at" ] || { say 'apt knows no mirror: run apt-get update'; return 1; }
  mkdir -p "$home/apt/lists/partial" "$home/apt/cache/archives/partial" "$home/debs" "$root"
  : >"$home/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $at bullseye main" >"$home/apt/sources.list"
  # shellcheck disable=SC2086 # a list of words
  private_apt update && (cd "$home/debs" && private_apt download $packages) || return
  for deb in "$home"/debs/*.deb; do
    dpkg -x "$deb" "$root" || return
  done
}

# The last virtualenv that makes environments for Python 2.7, in one of its own.
make_environment() {
  "${HIJACK_PYTHON:-python3}" -m venv "$home/tool" &&
    "$home/tool/bin/python" -m pip install --quiet --disable-pip-version-check virtualenv==20.21.1 &&
    LD_LIBRARY_PATH=$libraries "$home/tool/bin/virtualenv" -q -p "$root/usr/bin/python2.7" "$home/env"
}

install_suite() {
  LD_LIBRARY_PATH=$libraries CFLAGS="-I$root/usr/include/python2.7 -I$root/usr/include" \
    "$home/env/bin/pip" install --quiet --disable-pip-version-check \
    setuptools==44.0.0 "autobahntestsuite==$suite_version"
}

write_program() {
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "'$libraries'" "'$home/env/bin/wstest'" >"$wstest" &&
    chmod 755 "$wstest"
}

install() {
  say "installing Autobahn|Testsuite $suite_version into $home"
  rm -rf "$home" && mkdir -p "$home" && unpack_python || return
  libraries=$(echo "$root"/usr/lib/*-linux-gnu)
  make_environment && install_suite && write_program && works
}

if command -v apt-get >/dev/null && command -v dpkg >/dev/null && install >&2; then
  done_with "$wstest"
fi
say 'missing: Autobahn; cure: see what failed above, or export HIJACK_WSTEST, the program `wstest`'
[ "${CI:-}" != true ]
