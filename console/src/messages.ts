// The messages of one connection, as they pass. However fast they come, they are drawn once a frame.

import type { Connection, Message } from "./api.ts";
import { Cell, h, setClass, setText } from "./dom.ts";
import { Feed, type FeedState } from "./feed.ts";
import { clock, count, size } from "./format.ts";
import { type Entry, Log, MOST_KEPT } from "./log.ts";
import { preview } from "./payload.ts";
import { PayloadView } from "./payloadview.ts";
import { type Row, Rows } from "./rows.ts";
import { Search } from "./search.ts";
import { Status } from "./status.ts";

export class Messages {
  readonly element: HTMLElement;
  readonly status = new Status();
  readonly #log = new Log();
  readonly #payload = new PayloadView();
  readonly #summary = h("p", { class: "summary muted" });
  readonly #pause = h("button", { type: "button", "aria-pressed": "false", on: { click: () => this.#turn() } }, "Pause");
  readonly #rows: Rows<Entry>;
  readonly #feed: Feed;
  /** What came and is not in the log yet: until the next frame, or while it is paused. */
  #waiting: (Message | string)[] = [];
  #lost = 0;
  #isPaused = false;
  #frame = 0;
  #wasLive = false;

  constructor(id: number, ended: (connection: Connection) => void) {
    this.#rows = new Rows<Entry>({
      label: "Messages",
      className: "message-rows",
      head: h(
        "div",
        { class: "row head", role: "row" },
        ...["Way", "From", "Kind", "Payload", "Size", "Time"].map((text) =>
          h("div", { role: "columnheader", class: text.toLowerCase() + (text === "Size" ? " number" : "") }, text),
        ),
      ),
      key: (entry) => entry.n,
      make: () => new MessageRow(),
      onMove: (entry) => this.#payload.show("message" in entry ? entry.message : null),
    });
    const search = new Search((matcher) => {
      this.#log.filter(matcher);
      this.#rows.update(this.#log.shown, { follow: true });
      this.#tell();
    });
    this.element = h(
      "section",
      { class: "messages", "aria-label": "Messages" },
      h("div", { class: "toolbar" }, this.#pause, h("button", { type: "button", on: { click: () => this.#clear() } }, "Clear"), search.element),
      this.#rows.element,
      this.#summary,
      this.#payload.element,
    );
    this.#tell();
    this.#feed = new Feed(`/api/connections/${id}/messages`, {
      event: (name, data) => {
        if (name === "message") this.#take(JSON.parse(data) as Message);
        else if (name === "skipped") this.#take(`${count((JSON.parse(data) as { count: number }).count)} skipped: more than this browser took`);
        else if (name === "closed") {
          this.#feed.close();
          this.status.show(ENDED);
          this.#take("the connection has ended");
          ended(JSON.parse(data) as Connection);
        }
      },
      state: (state) => {
        if (state.kind === "live" && this.#wasLive) this.#take("taken up again: what passed in between is missing");
        this.#wasLive ||= state.kind === "live";
        // What ended before has no messages any more, and its page says so.
        this.status.show(state.kind === "over" && state.status === 404 ? ENDED : state);
      },
    });
  }

  leave(): void {
    this.#feed.close();
    cancelAnimationFrame(this.#frame);
  }

  #take(each: Message | string): void {
    this.#waiting.push(each);
    // Nobody could see more than the log keeps.
    if (this.#waiting.length >= 2 * MOST_KEPT) this.#lost += this.#waiting.splice(0, this.#waiting.length - MOST_KEPT).length;
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    if (!this.#isPaused && this.#waiting.length > 0) {
      const follow = this.#rows.isAtEnd;
      const removed = this.#log.add(this.#waiting);
      this.#waiting = [];
      this.#rows.update(this.#log.shown, { follow, removed });
    }
    this.#tell();
  }

  #turn(): void {
    this.#isPaused = !this.#isPaused;
    this.#pause.setAttribute("aria-pressed", String(this.#isPaused));
    this.#draw();
  }

  #clear(): void {
    this.#waiting = [];
    this.#lost = 0;
    this.#log.clear();
    this.#rows.update(this.#log.shown);
    this.#payload.show(null);
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#waiting.length;
    setText(this.#pause, !this.#isPaused ? "Pause" : waiting === 0 ? "Resume" : `Resume (${count(waiting)})`);
    const { kept, shown } = this.#log;
    const dropped = this.#log.dropped + this.#lost;
    const parts = kept === 0 ? ["Messages are shown from now on."] : [`${count(shown.length)} of ${count(kept)} shown`];
    if (dropped > 0) parts.push(`${count(dropped)} earlier ones not kept`);
    setText(this.#summary, parts.join(" · "));
  }
}

class MessageRow implements Row<Entry> {
  readonly element: HTMLElement;
  readonly #cells = ["way", "from", "kind", "payload", "size number", "time"].map((name) => new Cell(name, { role: "gridcell" }));
  #n = 0;

  constructor() {
    this.element = h("div", { class: "row" }, ...this.#cells.map((cell) => cell.element));
  }

  show(entry: Entry): void {
    if (this.#n === entry.n) return;
    this.#n = entry.n;
    const isMessage = "message" in entry;
    const base = isMessage ? `row to-${entry.message.to} ${entry.message.opcode}` : "row remark";
    setClass(this.element, base);
    const texts = isMessage ? textsOf(entry.message) : ["", "", "", entry.remark, "", ""];
    this.#cells.forEach((cell, index) => cell.set(texts[index] as string));
    this.#cells[0]?.element.setAttribute("aria-label", isMessage ? `to ${entry.message.to}` : "");
  }
}

function textsOf(message: Message): string[] {
  const way = message.to === "upstream" ? "↑" : "↓";
  return [way, message.from, message.opcode, preview(message), size(message.size), clock(message.at_ms)];
}

const ENDED: FeedState = { kind: "over", why: "ended", status: 200 };
