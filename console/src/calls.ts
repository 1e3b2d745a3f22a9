// The calls of gRPC inside a connection, where the gateway follows them.

import type { Call, Connection } from "./api.ts";
import { h, setText } from "./dom.ts";
import { clock, count, took } from "./format.ts";

export class Calls {
  readonly element: HTMLElement;
  readonly #summary = h("summary");
  readonly #rows = h("tbody");

  constructor() {
    const heads = HEADS.map((head) => h("th", { scope: "col" }, head));
    const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), this.#rows);
    this.element = h("details", { class: "calls", open: true, hidden: true }, this.#summary, h("div", { class: "scroll" }, table));
  }

  show({ calls }: Connection): void {
    this.element.hidden = calls === undefined;
    if (calls === undefined) return;
    const parts = [`${count(calls.begun)} calls`, `${count(calls.open)} open`];
    for (const [status, ended] of Object.entries(calls.ended)) parts.push(`${count(ended)} ${status}`);
    if (calls.not_followed > 0) parts.push(`${count(calls.not_followed)} too many to be followed`);
    if (calls.lost !== null) parts.push(`not followed any more: ${calls.lost}`);
    setText(this.#summary, parts.join(" · "));
    const newest = (calls.list ?? []).toSorted((one, other) => other.began_at_ms - one.began_at_ms || other.stream - one.stream);
    this.#rows.replaceChildren(...newest.map(row));
  }
}

const HEADS = ["Began", "Method", "Status", "Took", "In", "Out"];

function row(call: Call): HTMLElement {
  const status = call.status ?? "open";
  const reset = call.reset_by === undefined ? "" : ` (reset by the ${call.reset_by})`;
  const cells = [clock(call.began_at_ms), call.method, status, took(call.duration_ms), count(call.messages_in), count(call.messages_out)];
  const kind = call.status === null ? "open" : call.status === "OK" ? "ok" : "failed";
  return h("tr", { class: kind, title: `${call.message ?? ""}${reset}`.trim() }, ...cells.map((cell) => h("td", {}, cell)));
}
