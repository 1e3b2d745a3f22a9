// What is known of one connection.

import type { Connection } from "./api.ts";
import { h, setText } from "./dom.ts";
import { count, date, size, span } from "./format.ts";

type Fact = [label: string, of: (one: Connection) => string];

const FACTS: readonly Fact[] = [
  ["Route", (one) => one.route],
  ["User", (one) => one.subject ?? ""],
  ["Peer", (one) => one.peer],
  ["Upstream", (one) => one.upstream],
  ["Request", (one) => one.request],
  ["Protocol", (one) => one.protocol],
  ["Subprotocol", (one) => one.subprotocol ?? ""],
  ["Extensions", (one) => one.extensions ?? ""],
  ["Opened", (one) => date(one.opened_at_ms)],
  ["Age", (one) => span(one.age_ms)],
  ["Idle", (one) => (one.state === "closed" ? "" : span(one.idle_ms))],
  ["In", (one) => traffic(one.bytes_in, one.messages_in, one.illegal_in)],
  ["Out", (one) => traffic(one.bytes_out, one.messages_out, one.illegal_out)],
  ["Gear", (one) => (one.state === "closed" ? "" : one.gear)],
  ["Movable", (one) => (one.movable ? "yes" : (one.not_movable ?? "no"))],
  ["Ended", (one) => (one.closed_at_ms === null ? "" : date(one.closed_at_ms))],
  ["Ended by", (one) => one.closed_by ?? ""],
  ["Code", (one) => (one.code === null ? "" : String(one.code))],
  ["Reason", (one) => one.reason ?? ""],
];

export class Facts {
  readonly element: HTMLElement;
  readonly #lines = FACTS.map(([label]) => {
    const value = h("dd");
    return { value, line: h("div", { hidden: true }, h("dt", {}, label), value) };
  });
  readonly #head = h("div", { class: "head-fields" });
  #hasHead = false;

  constructor() {
    const facts = h("details", {}, h("summary", {}, "Facts"), h("dl", {}, ...this.#lines.map(({ line }) => line)));
    const head = h("details", {}, h("summary", {}, "Request head"), this.#head);
    this.element = h("aside", { class: "facts", "aria-label": "Facts" }, facts, head);
    let wasWide: boolean | null = null;
    // Where they would push the messages out of sight they are shut, until somebody opens them.
    new ResizeObserver(() => {
      const isWide = matchMedia(WIDE).matches;
      if (isWide !== wasWide) facts.open = head.open = wasWide = isWide;
    }).observe(this.element);
  }

  show(connection: Connection): void {
    FACTS.forEach(([, of], index) => {
      const { value, line } = this.#lines[index] as { value: HTMLElement; line: HTMLElement };
      const text = of(connection);
      setText(value, text);
      line.hidden = text === "";
    });
    // It never changes; one that ended may be told without.
    if (connection.head === undefined || this.#hasHead) return;
    this.#hasHead = true;
    const { method, target, headers } = connection.head;
    this.#head.replaceChildren(
      h("p", { class: "code" }, `${method} ${target}`),
      h("dl", { class: "code" }, ...headers.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    );
  }
}

function traffic(bytes: number, messages: number, illegal: number): string {
  const parts = [size(bytes)];
  if (messages > 0) parts.push(messages === 1 ? "1 message" : `${count(messages)} messages`);
  if (illegal > 0) parts.push(`${count(illegal)} illegal frames`);
  return parts.join(" · ");
}

/** Where there is a column for them, see `.columns` in the style. */
const WIDE = "(min-width: 900px)";
