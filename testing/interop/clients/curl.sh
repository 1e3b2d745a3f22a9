#!/bin/bash
# curl against the endpoints of README.md.
#
#   bash clients/curl.sh BASE [CASE [COUNT]]
set -euo pipefail
[ $# -ge 1 ] || { sed -n '4p' "$0" >&2; exit 2; }
base=$1 only=${2:-} count=${3:-1000}
curl=${HIJACK_CURL:-curl}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

seq -f $'%.0f\r' 0 1300000 | head -c 8388608 >big || true
first() { head -c "$1" big; }
digest() { sha256sum | cut -d' ' -f1; }
# Settings of the machine must not interfere.
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
run() { "$curl" --disable --silent --show-error --max-time 60 "$@"; }
fail() { echo "curl: $case: $*" >&2; exit 1; }
same() { [ "$2" = "$3" ] || fail "$1: got $(printf %q "$2"), expected $(printf %q "$3")"; }
# The value of header $1 (lower case) in the answer head in file `head`.
header() { tr -d '\r' <head | awk -F': ' -v name="$1" 'tolower($1) == name { print $2 }'; }

sizes='0 1 1000 65536 8388608'

get() {
  local n kind
  for kind in bytes chunked trailers; do
    for n in $sizes; do
      same "body of $kind/$n" "$(run -D head "$base/$kind/$n" | digest)" "$(first "$n" | digest)"
      if [ $kind = bytes ]; then same length "$(header content-length)" "$n"; else same chunked "$(header transfer-encoding)" chunked; fi
    done
  done
}

head_() {
  same 'status and size' "$(run --head -o head -w '%{http_code} %{size_download}' "$base/bytes/123456")" '200 0'
  same length "$(header content-length)" 123456
  same connections "$(run --head -o /dev/null "$base/chunked/9" -o /dev/null "$base/bytes/9" -o /dev/null "$base/bytes/9" -w '%{num_connects}')" 100
}

upload() { # bytes, curl's options
  local n=$1
  shift
  first "$n" >body
  same "answer to $n" "$(run "$@" "$base/digest" <body)" "$method $n $(digest <body) -"
}
uploads() {
  local n
  for n in 0 1 65536 8388608; do
    method=POST upload "$n" -H 'Expect:' --data-binary @body
    method=PUT upload "$n" -H 'Expect:' -T body
  done
}
chunked_uploads() {
  local n
  for n in 0 1 65536 8388608; do
    method=POST upload "$n" -H 'Expect:' -H 'Transfer-Encoding: chunked' --data-binary @body
    method=PUT upload "$n" -H 'Expect:' -T -
  done
}

# curl itself expects 100 Continue for bodies above 1 MiB, and sends without it after a second.
expect_continue() {
  local n
  for n in 65536 8388608; do
    method=POST upload "$n" -D head -H 'Expect: 100-continue' --expect100-timeout 30 --data-binary @body
    same interim "$(grep -c '^HTTP/1.1 100 ' head)" 1
  done
  first 8388608 >body
  same 'early answer' "$(run -D head -w '%{http_code} %{size_upload}' --expect100-timeout 30 --data-binary @body "$base/early")" $'too much\n413 0'
  same 'no interim' "$(grep -c '^HTTP/1.1 100 ' head || true)" 0
}

bodyless() {
  same 'statuses and sizes' "$(run -w '%{http_code} %{size_download} %{num_connects}\n' \
    "$base/status/204" "$base/status/304" "$base/status/204" "$base/bytes/0")" $'204 0 1\n304 0 0\n204 0 0\n200 0 0'
}

reuse() {
  same connections "$(run -d abc "$base/peer?[1-200]" -w '\n' | sort -u | wc -l)" 1
  same closed "$(run -H 'Connection: close' -o /dev/null -D head "$base/peer"; header connection)" close
}

http10() {
  local kind
  for kind in bytes chunked trailers; do
    same "$kind" "$(run --http1.0 -D head "$base/$kind/100000" | digest)" "$(first 100000 | digest)"
    same 'no chunks' "$(header transfer-encoding)" ''
  done
}

early() {
  local n i
  for n in 1000 65536 8388608; do
    first "$n" >body
    for i in 1 2 3 4 5; do
      same "answer to $n" "$(run -H 'Expect:' -w '%{http_code}' --data-binary @body "$base/early")" $'too much\n413'
      same "answer to $n chunked" "$(run -H 'Expect:' -H 'Transfer-Encoding: chunked' -w '%{http_code}' --data-binary @body "$base/early")" $'too much\n413'
    done
  done
}

interim() {
  same body "$(run -D head "$base/interim")" 'done'
  same statuses "$(grep -o '^HTTP/1.1 [0-9]*' head | tr '\n' ' ')" 'HTTP/1.1 103 HTTP/1.1 200 '
}

# Through the server's CONNECT, back to the server itself.
proxy() {
  local n
  for n in $sizes; do
    same "tunnelled $n" "$(run --proxytunnel --proxy "$base" "$base/bytes/$n" | digest)" "$(first "$n" | digest)"
    first "$n" >body
    same "tunnelled upload of $n" "$(run --proxytunnel --proxy "$base" -H 'Expect:' -T body "$base/digest")" "PUT $n $(digest <body) -"
  done
  same refused "$(run --proxytunnel --proxy "$base" -o /dev/null -w '%{http_connect}' http://refused.test/ 2>/dev/null || true)" 403
}

# Takeover without an answer: eleven bytes and FIN, nothing else.
raw() { same 'all bytes' "$(run --http0.9 "$base/raw" | od -An -c | tr -d ' \n')" helloworld; }

# Downloads of sixteen sizes on four connections, every body compared; then as many uploads on one.
load() {
  local n size kind half=$((count / 2)) sizes=() digests=()
  for n in {0..15}; do
    sizes[n]=$((n * n * 177))
    digests[n]=$(first "${sizes[n]}" | digest)
  done
  mkdir down
  for n in $(seq "$half"); do
    size=${sizes[n % 16]} kind=bytes
    [ $((n / 16 % 2)) = 0 ] || kind=chunked
    printf 'url = "%s/%s/%d"\noutput = "down/%d"\n' "$base" "$kind" "$size" "$n" >>config
    echo "${digests[n % 16]}  down/$n" >>expected
  done
  run --no-progress-meter --parallel --parallel-max 4 --config config
  sha256sum --quiet --check expected || fail 'downloads differ'
  first 30000 >body
  same uploads "$(run -H 'Expect:' --data-binary @body "$base/digest?[1-$half]" | sort | uniq -c | tr -s ' ')" " $half POST 30000 $(digest <body) -"
}

cases='get head uploads chunked_uploads expect_continue bodyless reuse http10 early interim proxy raw load'
for case in ${only:-$cases}; do
  case " $cases " in *" $case "*) ;; *) fail 'no such case' ;; esac
  case $case in head) head_ ;; *) "$case" ;; esac
  echo "ok $case"
done
