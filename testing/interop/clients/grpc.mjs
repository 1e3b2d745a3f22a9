// grpc-js against grpc.testing.TestService.
//
//     HIJACK_NODE_MODULES=… node clients/grpc.mjs HOST:PORT [CASE …]
//
// A proxy is asked by CONNECT if grpc_proxy or http_proxy says so, and by nothing else.
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const library = createRequire(`${process.env.HIJACK_NODE_MODULES}/`);
const grpc = library("@grpc/grpc-js");
const proto = fileURLToPath(new URL("../../../crates/hijack-tonic/proto/test.proto", import.meta.url));
const definition = library("@grpc/proto-loader").loadSync(proto, { keepCase: true });
const { testing } = grpc.loadPackageDefinition(definition).grpc;

const [target, ...chosen] = process.argv.slice(2);
const client = new testing.TestService(target, grpc.credentials.createInsecure());
const PATIENCE = 20_000;
const REQUESTS = [27182, 8, 1828, 45904], RESPONSES = [31415, 9, 2653, 58979];
const { status } = grpc;

const zeros = (size) => ({ body: Buffer.alloc(size) });
const wants = (sizes, more = {}) => ({ response_parameters: sizes.map((size) => ({ size })), ...more });
const within = (ms = PATIENCE) => ({ deadline: Date.now() + ms });
const size = ({ payload }) => (assert(payload.body.every((byte) => byte === 0)), payload.body.length);

const call = (method, request, metadata = new grpc.Metadata(), from = client) =>
  new Promise((done, fail) => from[method](request, metadata, within(), (error, answer) => (error ? fail(error) : done(answer))));

const all = async (stream) => {
  const answers = [];
  for await (const answer of stream) answers.push(size(answer));
  return answers;
};

async function fails(promise, code, details) {
  const error = await promise.then((answer) => assert.fail(`an answer: ${answer}`), (error) => error);
  assert.equal(error.code, code, error);
  if (details !== undefined) assert.equal(error.details, details);
}

const cases = {
  async unary() {
    await call("EmptyCall", {});
    assert.equal(size(await call("UnaryCall", { response_size: 314159, payload: zeros(271828) })), 314159);
  },
  async server_streaming() {
    assert.deepEqual(await all(client.StreamingOutputCall(wants(RESPONSES), within())), RESPONSES);
  },
  async client_streaming() {
    const answer = await new Promise((done, fail) => {
      const stream = client.StreamingInputCall(within(), (error, answer) => (error ? fail(error) : done(answer)));
      for (const size of REQUESTS) stream.write({ payload: zeros(size) });
      stream.end();
    });
    assert.equal(answer.aggregated_payload_size, 74922);
  },
  async ping_pong() {
    const stream = client.FullDuplexCall(within());
    const answers = stream[Symbol.asyncIterator]();
    for (const [turn, wanted] of RESPONSES.entries()) {
      stream.write(wants([wanted], { payload: zeros(REQUESTS[turn]) }));
      assert.equal(size((await answers.next()).value), wanted);
    }
    stream.end();
    assert.equal((await answers.next()).done, true);
  },
  async custom_metadata() {
    const metadata = new grpc.Metadata(), seen = {};
    metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
    metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from("ababab", "hex"));
    await new Promise((done, fail) => {
      const sent = client.UnaryCall({ response_size: 1 }, metadata, within(), (error) => error && fail(error));
      sent.on("metadata", (initial) => (seen.initial = initial.get("x-grpc-test-echo-initial")));
      sent.on("status", (end) => done((seen.trailing = end.metadata.get("x-grpc-test-echo-trailing-bin"))));
    });
    assert.deepEqual(seen, { initial: ["test_initial_metadata_value"], trailing: [Buffer.from("ababab", "hex")] });
  },
  async status() {
    for (const message of ["test status message", "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"]) {
      const response_status = { code: 2, message };
      await fails(call("UnaryCall", { response_status }), status.UNKNOWN, message);
      const stream = client.FullDuplexCall(within());
      stream.end({ response_status });
      await fails(all(stream), status.UNKNOWN, message);
    }
  },
  async unimplemented() {
    await fails(call("UnimplementedCall", {}), status.UNIMPLEMENTED);
    const nobody = new testing.UnimplementedService(target, grpc.credentials.createInsecure());
    await fails(call("UnimplementedCall", {}, undefined, nobody), status.UNIMPLEMENTED);
    nobody.close();
  },
  async cancel() {
    const stream = client.FullDuplexCall(within());
    const answers = stream[Symbol.asyncIterator]();
    stream.write(wants([9]));
    assert.equal(size((await answers.next()).value), 9);
    stream.cancel();
    await fails(answers.next(), status.CANCELLED);
    await cases.unary();
  },
  // In three kinds, of a service that takes longer.
  async deadline() {
    const slow = { response_parameters: [{ size: 1, interval_us: 5_000_000 }] };
    const duplex = client.FullDuplexCall(within(300));
    duplex.write(slow);
    const inputs = new Promise((done, fail) => client.StreamingInputCall(within(300), (error) => (error ? fail(error) : done())));
    const outputs = client.StreamingOutputCall(slow, within(300));
    const begun = Date.now();
    await Promise.all([all(duplex), inputs, all(outputs)].map((end) => fails(end, status.DEADLINE_EXCEEDED)));
    const took = Date.now() - begun;
    assert(took > 200 && took < 1500, `a deadline of 300 ms passed after ${took} ms`);
    await cases.unary();
  },
};

// Only where there is a proxy of such a kind.
const elsewhere = {
  // A service that cannot be reached, which is UNAVAILABLE, and at once.
  async unreachable() {
    const error = await call("EmptyCall", {}).then(() => assert.fail("an answer"), (error) => error);
    assert.equal(error.code, status.UNAVAILABLE, error);
    console.log("said:", error.details);
  },
};

for (const name of chosen.length ? chosen : Object.keys(cases)) {
  const begun = Date.now();
  try {
    await { ...cases, ...elsewhere }[name]();
  } catch (error) {
    console.log(`${name}:`, error);
    process.exit(1);
  }
  console.log(`ok ${name} (${(Date.now() - begun) / 1000} s)`);
}
client.close();
