// A live stream of the gateway's: server-sent events, read by fetch, which unlike EventSource tells why it was refused.

import { Refused, refused, textOf } from "./api.ts";

export type FeedState =
  | { kind: "connecting" }
  | { kind: "live" }
  /** It broke, and is tried again. */
  | { kind: "waiting"; why: string; ms: number }
  /** It ended for good: refused with this status, or 200. */
  | { kind: "over"; why: string; status: number };

export interface FeedHandlers {
  event(name: string, data: string): void;
  state(state: FeedState): void;
}

/** Reads a stream until it is closed, and takes it up again when it breaks. */
export class Feed {
  readonly #closing = new AbortController();

  constructor(
    readonly path: string,
    readonly handlers: FeedHandlers,
  ) {
    void this.#run();
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      this.handlers.state({ kind: "connecting" });
      const why = await this.#once(() => {
        failures = 0;
        this.handlers.state({ kind: "live" });
      });
      if (this.#closing.signal.aborted) return;
      if (why instanceof Refused && why.status >= 400 && why.status < 500) {
        this.handlers.state({ kind: "over", why: why.message, status: why.status });
        return;
      }
      const ms = Math.min(MOST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
      failures += 1;
      this.handlers.state({ kind: "waiting", why: textOf(why), ms });
      await new Promise((done) => {
        setTimeout(done, ms);
        this.#closing.signal.addEventListener("abort", done, { once: true });
      });
    }
  }

  /** Reads it once, to its end; gives why it ended. */
  async #once(isLive: () => void): Promise<unknown> {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const signal = AbortSignal.any([silence.signal, this.#closing.signal]);
      const response = await fetch(this.path, { signal, headers: { accept: "text/event-stream" } });
      if (!response.ok || response.body === null) return await refused(response);
      isLive();
      const parser = new Parser(this.handlers);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#closing.signal.aborted) return "the gateway ended the stream";
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        parser.push(value);
      }
    } catch {
      return silence.signal.aborted ? "the gateway is silent" : "the gateway does not answer";
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Lines of a stream into its events (WHATWG HTML §9.2.6); ids and retry times are not used here. */
class Parser {
  #rest = "";
  #name = "";
  #data = "";

  constructor(readonly handlers: FeedHandlers) {}

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") {
      if (this.#data !== "") this.handlers.event(this.#name, this.#data);
      this.#name = this.#data = "";
    } else if (line.startsWith("event: ")) {
      this.#name = line.slice("event: ".length);
    } else if (line.startsWith("data: ")) {
      this.#data += line.slice("data: ".length);
    }
  }
}

const FIRST_DELAY_MS = 250;
const MOST_DELAY_MS = 5_000;

/** The gateway says something every 15 s. */
const SILENCE_MS = 40_000;
