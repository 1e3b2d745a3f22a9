#!/usr/bin/env bash
# The CPU that `hijack docker` and `docker` need for the same bytes through `run -i cat`, on pipes, in turn, before a
# dockerd of its own. Ends with 1 if ours needs more than the bar allows of docker's, or if a byte is another one.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly image=hijack/busybox:bench
rounds=3 mib=1024 bar=0.70

usage() {
  cat <<'TEXT'
Usage: ./bench.sh docker [--rounds N] [--mib N] [--bar RATIO]

  --rounds N    rounds of one run per client (3)
  --mib N       MiB there and back in each run (1024)
  --bar RATIO   the most that ours may need of docker's CPU: user and system, by the medians (0.70)

Needs root, dockerd, docker and a static busybox: HIJACK_DOCKERD, HIJACK_DOCKER, HIJACK_BUSYBOX, or the path's.
HIJACK_PROGRAM is the program, if it is built already.
TEXT
}

while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift 2 ;;
    --mib) mib=$2; shift 2 ;;
    --bar) bar=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
dockerd=${HIJACK_DOCKERD:-dockerd} docker=${HIJACK_DOCKER:-docker} busybox=${HIJACK_BUSYBOX:-busybox}
hijack=${HIJACK_PROGRAM:-$target/release/hijack}
if [ -z "${HIJACK_PROGRAM:-}" ]; then
  cargo build --release --locked -p hijack-cli
fi

folder=$(mktemp -d)
export DOCKER_HOST=unix://$folder/docker.sock DOCKER_CONFIG=$folder/config
mkdir "$DOCKER_CONFIG"
echo '{}' >"$folder/daemon.json"
"$dockerd" --host "$DOCKER_HOST" --config-file "$folder/daemon.json" --data-root "$folder/data" \
  --exec-root "$folder/exec" --pidfile "$folder/pid" --iptables=false --ip6tables=false --bridge=none \
  --storage-driver=vfs >"$folder/log" 2>&1 &
daemon=$!
finish() {
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
for _ in $(seq 300); do
  "$docker" version >/dev/null 2>&1 && break
  sleep 0.1
done

mkdir -p "$folder/image/bin"
cp "$(command -v "$busybox")" "$folder/image/bin/busybox"
ln -s busybox "$folder/image/bin/cat"
tar -C "$folder/image" -c . | "$docker" import - "$image" >/dev/null
head -c "${mib}M" /dev/urandom >"$folder/bytes"
hash=$(sha256sum <"$folder/bytes")

# One run: seconds of CPU on stdout.
run() {
  local name=$1
  shift
  local got
  TIMEFORMAT='%U %S'
  got=$(cat "$folder/bytes" | { time "$@" run --rm -i --network none "$image" cat 2>&3; } 3>&2 2>"$folder/time" | sha256sum)
  if [ "$got" != "$hash" ]; then
    echo "other bytes came back from $name" >&2
    exit 1
  fi
  awk '{ printf "%.2f\n", $1 + $2 }' "$folder/time"
}

median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }

theirs=() ours=()
for round in $(seq "$rounds"); do
  theirs+=("$(run docker "$docker")")
  ours+=("$(run hijack "$hijack" docker)")
  echo "round $round: docker ${theirs[-1]} s, hijack ${ours[-1]} s of CPU for $mib MiB there and back"
done
awk -v theirs="$(median "${theirs[@]}")" -v ours="$(median "${ours[@]}")" -v bar="$bar" 'BEGIN {
  ratio = ours / theirs
  printf "medians: docker %.2f s, hijack %.2f s, ratio %.2f (bar %.2f): %s\n", theirs, ours, ratio, bar, ratio <= bar ? "met" : "MISSED"
  exit ratio > bar
}'
