#!/usr/bin/env bash
# Benchmarks against peers. Builds the programs, pins them to one core and the load to another, and compares.
set -euo pipefail
cd "$(dirname "$0")"

readonly measured_core=0 load_core=1 open_files=14000 bun_version=1.4.5 mitmproxy_version=11.0.2
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
readonly target
readonly go_server=$target/peers/server-go go_codec=$target/peers/codec-go go_rpc=$target/peers/rpc-go go_ws_server=$target/peers/server-go-ws bun_folder=$target/peers/bun
readonly mitmproxy_folder=$target/peers/mitmproxy
readonly gocode=${HIJACK_GOCODE:-/usr/share/gocode}

main() {
  local command=${1:-}
  case $command in
    takeover | http | client | axum | relay | ws | gateway | gob | rpc | grpc) shift; measure "$command" "$@" ;;
    docker) shift; exec benches/docker.sh "$@" ;;
    profile) shift; profile "$@" ;;
    -h | --help) usage ;;
    *) usage >&2; exit 2 ;;
  esac
}

usage() {
  cat <<'TEXT'
Usage: ./bench.sh takeover|http [OPTIONS]           measure our server against hyper's and Go's
       ./bench.sh client [OPTIONS]                  measure our client against hyper's
       ./bench.sh axum [OPTIONS]                    measure an axum app on our engine against axum::serve
       ./bench.sh relay [OPTIONS]                   measure our relay against copy_bidirectional, HAProxy and nginx
       ./bench.sh ws [OPTIONS]                      measure our WebSocket server against fastwebsockets and Bun
       ./bench.sh gateway [OPTIONS]                 measure our gateway against HAProxy, nginx and mitmdump
       ./bench.sh gob [OPTIONS]                     measure our gob codec against Go's
       ./bench.sh rpc [OPTIONS]                     measure our net/rpc, both ends, against Go's
       ./bench.sh grpc [OPTIONS]                    measure gRPC over taken-over connections against tonic over TCP
       ./bench.sh docker [--rounds N] [--mib N] [--bar RATIO]
                                                    measure `hijack docker run` against docker's own client
       ./bench.sh profile takeover|http|client|axum|relay|ws|gateway|gob|rpc|grpc
                                                    where our program spends its time (needs perf)

  takeover   servers: connect, GET with Upgrade, 101, 64 bytes there and back, close
  http       servers: ordinary requests on kept-alive connections
  client     clients: both, first requests and then takeovers
  axum       servers: both, one Router on our engine and on hyper
  relay      port forwarders: bulk, small messages, and what connections leave behind
  ws         WebSocket servers: echoes of 32 bytes, 16 KiB and 1 MiB, one at a time and sixteen, compressed ones,
             broadcasts, and idle memory
  gateway    `hijack gateway`: bulk, WebSocket messages of 16 KiB and of 64 bytes, looked at or not, ordinary requests,
             and idle memory
  gob        codecs: ten values, written and read again and again
  rpc        clients and servers of net/rpc: 64 callers, one caller, and echoes of 1 MiB
  grpc       clients and servers of gRPC: unary calls, a stream, ping-pong, bulk, and what a takeover costs
  docker     clients of Docker: a gibibyte through `run -i cat`; its three options are its own (./bench.sh docker --help)

Options of all others:
  --rounds N       rounds of two runs per program, there and back: A B C C B A (5)
  --ops N          operations per run (takeovers 20000, requests 500000, of axum 300000, MiB 4096, messages
                   100000, of WebSocket 1000 to 150000, broadcasts 60, of gateway 1024 to 100000, of gob 200000 to
                   4000000; given, it holds for all parts of a suite)
  --held N         connections held while memory is read (5000; of gateway 4000 at the most)
  --peers A,B,...  servers of hijack, hijack-in-handler, hyper, hyper-timer, go (hijack,hyper,go);
                   clients of hijack, hijack-map, hyper (hijack,hyper);
                   engines of axum of hijack, hyper (hijack,hyper);
                   relays of hijack, copy, haproxy-tcp, haproxy-http, nginx (all);
                   WebSocket servers of hijack, fastwebsockets, bun, tungstenite, gorilla (all, gorilla compressed
                   only; in a part that a server has no program for it is left out);
                   gateways of hijack, hijack-watched, haproxy-tcp, haproxy-http, nginx, mitmdump (those of each part);
                   codecs of hijack, go (both);
                   pairs of net/rpc of hijack, go, go-hijack, hijack-go, which is a client and a server (all);
                   ways of gRPC of plain, token, websocket, forward (all);
                   the first one is profiled
  --parts A,B,...  parts of a suite: of ws ws-small, ws-text, ws-small-many, ws-large, ws-large-many, ws-burst,
                   ws-huge, ws-json, ws-long-json, ws-broadcast; of gateway gateway-bulk, gateway-ws-bulk,
                   gateway-messages, gateway-inspected, gateway-requests; of rpc rpc-many, rpc-one, rpc-large;
                   of grpc grpc-unary, grpc-unary-many, grpc-stream, grpc-ping-pong, grpc-bulk, grpc-open; of relay and client as relay-bulk (all)
  --save           also write benches/results/DATE-SUITE-COMMIT.json

Examples: ./bench.sh takeover --rounds 5 --ops 20000
          ./bench.sh client --peers hyper --rounds 1 --ops 2000

CPU is the measured program's own, as the kernel counts it; ratios are medians over the rounds. Every answer is
compared byte for byte. "busy" below 100 % means that the other side was the brake; the faster a program then is, the
more often it wakes for little, so the ratios are rather too high than too low.
Go is taken from HIJACK_GO, target/peers/bin/go or PATH, haproxy and nginx from PATH or /usr/sbin; without them the
rest is measured. Bun is taken from HIJACK_BUN, target/peers/bun or PATH; without it, npm installs it into the second
for ws. mitmdump is taken from HIJACK_MITMDUMP, target/peers/mitmproxy or PATH; without it, pip installs it into the
second for gateway. Nothing else is installed.
Exit status: 0, or 1 when a bar is missed, or 2 when the measuring failed. benches/README.md tells the method.
TEXT
}

measure() {
  local suite=$1 save=() arguments=()
  shift
  for argument in "$@"; do
    case $argument in
      --save) mapfile -t save < <(save_options "$suite") ;;
      *) arguments+=("$argument") ;;
    esac
  done
  build "$suite"
  run "$suite" "${arguments[@]}" "${save[@]}"
}

profile() {
  local suite=${1:-} folder=$target/bench-profile data
  case $suite in
    takeover | http | client | axum | relay | ws | gateway | gob | rpc | grpc) ;;
    *) usage >&2; exit 2 ;;
  esac
  command -v perf >/dev/null || fail "perf is missing: apt-get install linux-perf (Debian) or linux-tools (Ubuntu)"
  build "$suite"
  rm -rf "$folder"
  run "$@" --profile "$folder"
  for data in "$folder"/*.data; do
    echo "$(basename "$data" .data):"
    symbols "$data" --sort dso
    echo "outside the kernel:"
    symbols "$data" --sort dso,symbol | grep -v -F '[k]' | head -n 40
    echo "more: perf report --input $data"
  done
}

symbols() {
  perf report --input "$1" --stdio --no-children --percent-limit 0.2 "${@:2}" 2>/dev/null |
    sed -e '/^#/d' -e '/^$/d' -e 's/[- ]*$//'
}

# The suite decides what is needed: clients, axum apps and relays are not compared with Go's.
build() {
  cargo build --quiet --release --locked --package hijack-bench --bins
  if [[ $1 == takeover || $1 == http ]]; then build_go benches/go "$go_server"; fi
  if [[ $1 == gob ]]; then build_go benches/go-gob "$go_codec"; fi
  if [[ $1 == rpc ]]; then build_go benches/go-rpc "$go_rpc"; fi
  if [[ $1 == gateway || $1 == grpc ]]; then cargo build --quiet --release --locked --package hijack-cli; fi
  if [[ $1 == gateway ]]; then
    find_mitmdump >/dev/null || install_mitmdump
  fi
  if [[ $1 == ws ]]; then
    build_go_ws
    find_bun >/dev/null || install_bun
  fi
}

# build_go FOLDER PROGRAM
build_go() {
  mkdir -p "$target/peers"
  rm -f "$2"
  local go
  if go=$(find_go); then
    (cd "$1" && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -o "$2" .)
  else
    echo "Go is missing: set HIJACK_GO to a go program to compare with it" >&2
  fi
}

build_go_ws() {
  rm -f "$go_ws_server"
  local go
  if go=$(find_go) && [[ -d $gocode/src/github.com/gorilla/websocket ]]; then
    GO111MODULE=off GOPATH=$gocode GOTOOLCHAIN=local "$go" build -o "$go_ws_server" benches/go-ws/main.go
  else
    echo "gorilla is missing: apt-get install golang-github-gorilla-websocket-dev, and set HIJACK_GO to a go program" >&2
  fi
}

find_go() {
  local candidate
  for candidate in "${HIJACK_GO:-}" "$target/peers/bin/go"; do
    [[ -x $candidate ]] && { echo "$candidate"; return; }
  done
  command -v go
}

find_bun() {
  local candidate
  for candidate in "${HIJACK_BUN:-}" "$bun_folder/node_modules/.bin/bun"; do
    [[ -x $candidate ]] && { echo "$candidate"; return; }
  done
  command -v bun
}

install_bun() {
  echo "installing Bun $bun_version into $bun_folder" >&2
  mkdir -p "$bun_folder"
  npm install --prefix "$bun_folder" --silent --no-fund --no-audit --no-update-notifier "bun@$bun_version" >&2 ||
    echo "Bun is missing: set HIJACK_BUN to a bun program to compare with it" >&2
}

find_mitmdump() {
  local candidate
  for candidate in "${HIJACK_MITMDUMP:-}" "$mitmproxy_folder/bin/mitmdump"; do
    [[ -x $candidate ]] && { echo "$candidate"; return; }
  done
  command -v mitmdump
}

install_mitmdump() {
  echo "installing mitmproxy $mitmproxy_version into $mitmproxy_folder" >&2
  { python3 -m venv "$mitmproxy_folder" && "$mitmproxy_folder/bin/pip" install --quiet --disable-pip-version-check \
    "mitmproxy==$mitmproxy_version"; } >&2 ||
    echo "mitmdump is missing: set HIJACK_MITMDUMP to a mitmdump program to compare with it" >&2
}

run() {
  command -v taskset >/dev/null || fail "taskset is missing: it is part of util-linux"
  (($(nproc) > load_core)) || fail "two cores are needed: one for the measured program, one for the load"
  ulimit -n "$open_files" || fail "at least $open_files open files are needed: raise the hard limit (ulimit -Hn)"
  local go=$go_server
  if [[ $1 == ws ]]; then go=$go_ws_server; fi
  if [[ $1 == gob ]]; then go=$go_codec; fi
  if [[ $1 == rpc ]]; then go=$go_rpc; fi
  taskset -c "$load_core" "$target/release/hijack-bench" "$@" --core "$measured_core" --go "$go" \
    --bun "$(find_bun || echo none)" --mitmdump "$(find_mitmdump || echo none)"
}

# One option or value per line.
save_options() {
  local date commit
  date=$(date -u +%F)
  commit=$(git rev-parse --short HEAD)
  git diff --quiet HEAD || commit+=-changed
  printf '%s\n' --save "benches/results/$date-$1-$commit.json" --date "$date" --commit "$commit" \
    --versions "$(versions | paste -sd,)"
}

versions() {
  local go haproxy nginx bun mitmdump
  rustc --version | cut -d' ' -f1,2
  locked hyper
  locked axum
  locked tokio
  locked tonic
  locked fastwebsockets
  locked tokio-tungstenite
  if bun=$(find_bun); then echo "bun $("$bun" --version)"; fi
  if go=$(find_go); then "$go" env GOVERSION; fi
  haproxy=$(PATH=$PATH:/usr/sbin command -v haproxy) && "$haproxy" -v | sed -n '1s/HAProxy version \([^ ]*\).*/haproxy \1/p'
  nginx=$(PATH=$PATH:/usr/sbin command -v nginx) && "$nginx" -v 2>&1 | sed 's|.*/|nginx |'
  mitmdump=$(find_mitmdump) && "$mitmdump" --version | sed -n '1s/Mitmproxy: \([^ ]*\).*/mitmproxy \1/p'
  return 0
}

locked() {
  echo "$1 $(grep -A1 "^name = \"$1\"$" Cargo.lock | sed -n 's/^version = "\(.*\)"$/\1/p')"
}

fail() {
  echo "bench.sh: $*" >&2
  exit 2
}

main "$@"
