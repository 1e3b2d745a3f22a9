// The messages that are kept, and those of them that are shown: a bounded log, changed by batches.

import type { Message } from "./api.ts";

/** A line of the log: a message, or a remark on what is missing. `n` counts them all. */
export type Entry = { n: number; message: Message } | { n: number; remark: string };

export type Matcher = (message: Message) => boolean;

export class Log {
  #kept: Entry[] = [];
  #shown: Entry[] = [];
  #count = 0;
  /** Lines that were cleared away, or left out at the beginning. Numbers are never used again. */
  #cleared = 0;
  #matches: Matcher = () => true;

  get shown(): readonly Entry[] {
    return this.#shown;
  }

  get kept(): number {
    return this.#kept.length;
  }

  /** Lines that were left out at the beginning, because they were too many. */
  get dropped(): number {
    return this.#count - this.#cleared - this.#kept.length;
  }

  /** Adds lines; gives how many of those that are shown left at the beginning. */
  add(batch: readonly (Message | string)[]): number {
    for (const each of batch) {
      this.#count += 1;
      const entry: Entry = typeof each === "string" ? { n: this.#count, remark: each } : { n: this.#count, message: each };
      this.#kept.push(entry);
      if (this.#isShown(entry)) this.#shown.push(entry);
    }
    const over = this.#kept.length - MOST_KEPT;
    if (over <= 0) return 0;
    this.#kept.splice(0, over);
    const first = this.#kept[0]?.n ?? 0;
    let gone = 0;
    while (gone < this.#shown.length && (this.#shown[gone] as Entry).n < first) gone += 1;
    this.#shown.splice(0, gone);
    return gone;
  }

  filter(matches: Matcher): void {
    this.#matches = matches;
    this.#shown = this.#kept.filter((entry) => this.#isShown(entry));
  }

  clear(): void {
    this.#kept = [];
    this.#shown = [];
    this.#cleared = this.#count;
  }

  #isShown(entry: Entry): boolean {
    return "remark" in entry || this.#matches(entry.message);
  }
}

export const MOST_KEPT = 5_000;
