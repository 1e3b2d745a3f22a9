// Node's http (llhttp) as a filter, in the role that the argument names: one
// stream per line of standard input (hex), one line of JSON per stream on
// standard output:
//
//   {"accepted":[{"start":"/a","body":"6869"}]}
//
// The start is what counts of the start line: a request's target as it stood on
// the wire (one character per byte), a response's status.
//
// {"error":"…"} instead of the list means that this filter failed, not that
// the stream was refused.
'use strict';

const readline = require('node:readline');

const { judge, close } = require(`./${process.argv[2]}.js`);

// The safety net for one stream; the usual time is well under a millisecond.
const PATIENCE_MS = 3000;
// Streams under judgement at once: enough to amortise the event loop's turns.
const AT_ONCE = 64;

async function main() {
  let running = [];
  const flush = async () => {
    const verdicts = await Promise.all(running);
    running = [];
    process.stdout.write(verdicts.map((v) => JSON.stringify(v) + '\n').join(''));
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    running.push(judge(line, PATIENCE_MS));
    if (running.length === AT_ONCE) await flush();
  }
  await flush();
  process.exitCode = 0;
  close();
}

main();
