// The table of connections: live, sorted and filtered, with many to be kicked at once.

import * as api from "./api.ts";
import type { Connection } from "./api.ts";
import { COLUMNS, type Column, ConnectionRow } from "./columns.ts";
import { h, setText } from "./dom.ts";
import { Feed } from "./feed.ts";
import { FilterBox } from "./filterbox.ts";
import { count, size } from "./format.ts";
import { askToKick } from "./kick.ts";
import type { Page } from "./page.ts";
import { Rows } from "./rows.ts";
import { Status } from "./status.ts";

export class ConnectionsPage implements Page {
  readonly name = "connections";
  readonly title = "Connections";
  readonly element: HTMLElement;
  readonly #filter = new FilterBox(() => this.#changed());
  readonly #ended = h("input", { type: "checkbox", on: { change: () => this.#changed() } });
  readonly #summary = h("p", { class: "summary muted", role: "status" });
  readonly #kick = h("button", { class: "danger", disabled: true, on: { click: () => this.#askToKick() } }, "Kick …");
  readonly #all = h("input", { type: "checkbox", "aria-label": "Select all that are shown", on: { change: () => this.#selectAll() } });
  readonly #status = new Status();
  readonly #headings: HTMLElement[];
  readonly #rows: Rows<Connection>;
  readonly #selected = new Set<number>();
  readonly #feed: Feed;
  #connections: Connection[] = [];
  #more = false;
  #sort: { column: Column; isDown: boolean } = { column: COLUMNS[0] as Column, isDown: false };
  #timer = 0;
  #asking: AbortController | null = null;
  #askedAt = 0;
  #took = 0;
  #lastPicked: number | null = null;

  constructor(query: string) {
    this.#headings = COLUMNS.map((column) => this.#heading(column));
    this.#rows = new Rows<Connection>({
      label: "Connections",
      className: "connection-rows",
      head: h("div", { class: "row head", role: "row" }, h("div", { class: "pick", role: "columnheader" }, this.#all), ...this.#headings),
      key: (connection) => connection.id,
      make: () => new ConnectionRow({ isSelected: (id) => this.#selected.has(id), pick: (id, isRange) => this.#pick(id, isRange) }),
      onOpen: (connection) => {
        location.hash = `#/connections/${connection.id}`;
      },
      onToggle: (connection) => this.#pick(connection.id, false),
    });
    this.element = h(
      "section",
      { class: "page" },
      h(
        "div",
        { class: "toolbar" },
        h("h1", {}, "Connections"),
        this.#filter.element,
        h("label", { class: "check" }, this.#ended, "ended ones"),
        this.#kick,
        this.#status.element,
      ),
      this.#summary,
      this.#rows.element,
    );
    this.#status.show({ kind: "connecting" });
    this.#read(query);
    this.#feed = new Feed("/api/events", {
      event: () => this.#soon(),
      state: (state) => {
        this.#status.show(state);
        if (state.kind === "live") this.#soon();
      },
    });
  }

  leave(): void {
    this.#feed.close();
    this.#asking?.abort();
    clearTimeout(this.#timer);
    this.#timer = -1;
  }

  /** The address was changed by whoever looks. */
  follow(query: string): void {
    if (query === this.#query()) return;
    this.#read(query);
    void this.#refresh();
  }

  #heading(column: Column): HTMLElement {
    const sort = () => {
      const isSame = this.#sort.column === column;
      this.#sort = { column, isDown: isSame ? !this.#sort.isDown : column.isNumber && column.name !== "id" };
      this.#remember();
      this.#show();
    };
    return h(
      "div",
      { class: `${column.name}${column.isNumber ? " number" : ""}`, role: "columnheader", "aria-sort": "none" },
      h("button", { type: "button", title: column.title, on: { click: sort } }, column.label),
    );
  }

  #read(query: string): void {
    const asked = new URLSearchParams(query);
    this.#filter.value = asked.get("filter") ?? "";
    this.#ended.checked = asked.get("ended") === "1";
    const [name, order] = (asked.get("sort") ?? "id").split(":");
    const column = COLUMNS.find((column) => column.name === name) ?? (COLUMNS[0] as Column);
    this.#sort = { column, isDown: order === "down" };
  }

  #query(): string {
    const asked = new URLSearchParams();
    if (this.#filter.value !== "") asked.set("filter", this.#filter.value);
    if (this.#ended.checked) asked.set("ended", "1");
    const { column, isDown } = this.#sort;
    if (column.name !== "id" || isDown) asked.set("sort", isDown ? `${column.name}:down` : column.name);
    return asked.toString();
  }

  #remember(): void {
    const query = this.#query();
    history.replaceState(null, "", query === "" ? "#/connections" : `#/connections?${query}`);
  }

  #changed(): void {
    this.#remember();
    this.#rows.element.scrollTop = 0;
    void this.#refresh();
  }

  /** The filter as the gateway gets it, and the characters before what was typed. */
  #asked(): [filter: string, shift: number] {
    const typed = this.#filter.value;
    if (!this.#ended.checked) return [typed, 0];
    return typed.trim() === "" ? ["state=closed", 0] : [`(${typed}) and state=closed`, 1];
  }

  async #refresh(): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    clearTimeout(this.#timer);
    this.#askedAt = performance.now();
    const [filter, shift] = this.#asked();
    try {
      const { connections, more } = await api.list(filter, asking.signal);
      if (this.#asking !== asking || asking.signal.aborted) return;
      this.#filter.blame(null, 0);
      this.#connections = connections;
      this.#more = more;
      this.#show();
    } catch (error) {
      if (asking.signal.aborted) return;
      if (error instanceof api.Refused && error.status === 400) this.#filter.blame(error.message, shift);
      this.#rows.element.classList.add("stale");
    }
    this.#asking = null;
    this.#took = performance.now() - this.#askedAt;
    this.#plan(REFRESH_MS);
  }

  /** Something happened: asks soon, but spends no more than a part of the time on it. */
  #soon(): void {
    if (this.#asking === null) this.#plan(SOON_MS);
  }

  #plan(ms: number): void {
    if (this.#timer === -1) return;
    clearTimeout(this.#timer);
    const rest = Math.max(ms, this.#took * PAUSE_PER_WORK) - (ms === SOON_MS ? performance.now() - this.#askedAt : 0);
    this.#timer = setTimeout(() => {
      if (!document.hidden) void this.#refresh();
      else this.#plan(REFRESH_MS);
    }, Math.max(rest, 0));
  }

  #show(): void {
    const { column, isDown } = this.#sort;
    const sorted = this.#connections.sort((a, b) => (isDown ? -1 : 1) * column.compare(a, b) || a.id - b.id);
    COLUMNS.forEach((each, index) => {
      const order = each !== column ? "none" : isDown ? "descending" : "ascending";
      this.#headings[index]?.setAttribute("aria-sort", order);
    });
    this.#rows.element.classList.remove("stale");
    this.#rows.update(sorted);
    const present = new Set(sorted.map((connection) => connection.id));
    for (const id of this.#selected) if (!present.has(id)) this.#selected.delete(id);
    this.#showSelection();
    setText(this.#summary, this.#summaryText());
  }

  #summaryText(): string {
    const all = this.#connections;
    const kind = this.#ended.checked ? "ended" : "live";
    if (all.length === 0) {
      return this.#filter.value.trim() === "" ? `No ${kind} connection.` : `No ${kind} connection matches.`;
    }
    const number = this.#more ? `The first ${count(all.length)} ${kind} connections` : all.length === 1 ? `1 ${kind} connection` : `${count(all.length)} ${kind} connections`;
    const sum = (of: (connection: Connection) => number) => all.reduce((total, connection) => total + of(connection), 0);
    return `${number} · ${size(sum((one) => one.bytes_in))} in · ${size(sum((one) => one.bytes_out))} out`;
  }

  #pick(id: number, isRange: boolean): void {
    const isPicked = !this.#selected.has(id);
    const items = this.#rows.items;
    const [from, to] = [this.#lastPicked ?? id, id].map((key) => items.findIndex((one) => one.id === key)) as [number, number];
    const range = isRange && from >= 0 ? items.slice(Math.min(from, to), Math.max(from, to) + 1).map((one) => one.id) : [id];
    for (const each of range) {
      if (isPicked) this.#selected.add(each);
      else this.#selected.delete(each);
    }
    this.#lastPicked = id;
    this.#showSelection();
    this.#rows.draw();
  }

  #selectAll(): void {
    this.#selected.clear();
    if (this.#all.checked) for (const connection of this.#connections) this.#selected.add(connection.id);
    this.#showSelection();
    this.#rows.draw();
  }

  #showSelection(): void {
    const picked = this.#selected.size;
    const isEnded = this.#ended.checked;
    this.#kick.disabled = picked === 0 || isEnded;
    setText(this.#kick, picked > 0 && !isEnded ? `Kick ${count(picked)} …` : "Kick …");
    this.#all.checked = picked > 0 && picked === this.#connections.length;
    this.#all.indeterminate = picked > 0 && picked < this.#connections.length;
  }

  #askToKick(): void {
    const ids = [...this.#selected];
    const what = ids.length === 1 ? `connection ${ids[0]}` : `${count(ids.length)} connections`;
    askToKick(what, ids.length > 1, async (how) => {
      await api.kickAll(ids, how);
      this.#selected.clear();
      this.#showSelection();
      void this.#refresh();
    });
  }
}

/** From one answer to the next question, if nothing happens. */
const REFRESH_MS = 1_000;

/** From one question to the next, if something did. */
const SOON_MS = 200;

/** A list of thousands takes a while; at most a third of the time goes there. */
const PAUSE_PER_WORK = 2;
