#!/bin/sh
# until-eof.sh PROGRAM [ARGUMENT…]: runs it until our standard input ends, then tells it to end and waits for it.
#
# So a server ends with the test that started it, however that test ends, and only that server: by the process id
# that we have from starting it. One that is deaf for 20 seconds is killed.
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{
  read -r _
  kill "$program"
  sleep 20
  kill -KILL "$program"
} <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$program"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
