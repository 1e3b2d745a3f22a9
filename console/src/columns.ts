// The columns of the table, and a row of it.

import type { Connection } from "./api.ts";
import { Cell, h } from "./dom.ts";
import { count, size, span } from "./format.ts";
import type { Row } from "./rows.ts";

export interface Column {
  name: string;
  label: string;
  title: string;
  isNumber: boolean;
  text(connection: Connection): string;
  compare(a: Connection, b: Connection): number;
}

const words = new Intl.Collator("en", { numeric: true });

function text(name: string, label: string, title: string, of: (connection: Connection) => string): Column {
  return { name, label, title, isNumber: false, text: of, compare: (a, b) => words.compare(of(a), of(b)) };
}

function number(name: string, label: string, title: string, of: (one: Connection) => number, show: (value: number) => string): Column {
  return { name, label, title, isNumber: true, text: (one) => show(of(one)), compare: (a, b) => of(a) - of(b) };
}

export const COLUMNS: readonly Column[] = [
  number("id", "Id", "The connection's number in this gateway", (one) => one.id, String),
  text("route", "Route", "The route that it came by", (one) => one.route),
  text("user", "User", "Whose it is", (one) => one.subject ?? ""),
  text("peer", "Peer", "The client's address", (one) => one.peer),
  text("upstream", "Upstream", "Where it leads", (one) => one.upstream),
  text("protocol", "Protocol", "What was agreed upon", (one) => one.protocol),
  number("age", "Age", "Time since it was opened", (one) => one.age_ms, span),
  number("idle", "Idle", "Time since a byte moved", (one) => one.idle_ms, span),
  number("bytes_in", "In", "Bytes from the client", (one) => one.bytes_in, size),
  number("bytes_out", "Out", "Bytes to the client", (one) => one.bytes_out, size),
  number("messages_in", "Msgs in", "Messages from the client", (one) => one.messages_in, count),
  number("messages_out", "Msgs out", "Messages to the client", (one) => one.messages_out, count),
  text("state", "State", "Whether it lives, or how it ended", stateText),
];

/** Of one that ended: its code, or who ended it. */
export function stateText(connection: Connection): string {
  if (connection.state !== "closed") return connection.state;
  return connection.code === null ? `closed by ${connection.closed_by ?? "nobody"}` : `closed ${connection.code}`;
}

export interface Selection {
  isSelected(id: number): boolean;
  pick(id: number, isRange: boolean): void;
}

export class ConnectionRow implements Row<Connection> {
  readonly element: HTMLElement;
  readonly #pick = h("input", { type: "checkbox", tabindex: "-1" });
  readonly #link = h("a", { tabindex: "-1" });
  readonly #cells = COLUMNS.slice(1).map((column) => new Cell(`${column.name}${column.isNumber ? " number" : ""}`, { role: "gridcell" }));
  #id = -1;

  constructor(readonly selection: Selection) {
    this.#pick.addEventListener("click", (event) => selection.pick(this.#id, event.shiftKey));
    this.element = h(
      "div",
      { class: "row" },
      h("label", { class: "pick", role: "gridcell" }, this.#pick),
      h("div", { class: "id number", role: "gridcell" }, this.#link),
      ...this.#cells.map((cell) => cell.element),
    );
  }

  show(connection: Connection): void {
    if (this.#id !== connection.id) {
      this.#id = connection.id;
      this.#link.textContent = String(connection.id);
      this.#link.href = `#/connections/${connection.id}`;
      this.#pick.setAttribute("aria-label", `Select connection ${connection.id}`);
      this.element.dataset.id = String(connection.id);
    }
    const isSelected = this.selection.isSelected(connection.id);
    if (this.#pick.checked !== isSelected) this.#pick.checked = isSelected;
    this.element.setAttribute("aria-selected", String(isSelected));
    if (this.element.dataset.state !== connection.state) this.element.dataset.state = connection.state;
    this.#cells.forEach((cell, index) => {
      const column = COLUMNS[index + 1] as Column;
      const value = column.text(connection);
      cell.set(value, column.name === "state" ? (connection.reason ?? "") : column.isNumber ? "" : value);
    });
  }
}
