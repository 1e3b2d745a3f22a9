// The payload of the message that is selected.

import type { Message } from "./api.ts";
import { h, setText } from "./dom.ts";
import { count, date } from "./format.ts";
import { asHex, asJson, asText, missing } from "./payload.ts";

type View = "text" | "json" | "hex";

export class PayloadView {
  readonly element: HTMLElement;
  readonly #facts = h("p", { class: "muted" });
  readonly #shown = h("pre", { id: "payload", class: "code", tabindex: "0", role: "tabpanel", "aria-label": "Payload" });
  readonly #missing = h("p", { class: "muted note" });
  readonly #tabs: Record<View, HTMLButtonElement>;
  #view: View = "text";
  #isChosen = false;
  #message: Message | null = null;

  constructor() {
    const tab = (view: View, label: string) =>
      h("button", { type: "button", role: "tab", "aria-controls": "payload", on: { click: () => this.#choose(view), keydown: (event) => this.#key(event) } }, label);
    this.#tabs = { text: tab("text", "Text"), json: tab("json", "JSON"), hex: tab("hex", "Hex") };
    const copy = h("button", { type: "button", on: { click: () => void navigator.clipboard?.writeText(this.#shown.textContent ?? "") } }, "Copy");
    this.element = h(
      "section",
      { class: "payload-view", hidden: true, "aria-label": "The message selected" },
      h("div", { class: "toolbar" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Shown as" }, ...Object.values(this.#tabs)), this.#facts, copy),
      this.#shown,
      this.#missing,
    );
  }

  show(message: Message | null): void {
    this.#message = message;
    this.element.hidden = message === null;
    if (message === null) return;
    // As long as nobody chose, what fits best.
    if (!this.#isChosen) this.#view = message.text === undefined ? "hex" : /^\s*[[{]/.test(message.text) && asJson(message) !== null ? "json" : "text";
    const way = `${message.from} → ${message.to}`;
    setText(this.#facts, `${way} · ${message.opcode} · ${count(message.size)} bytes · ${date(message.at_ms)}`);
    this.#draw();
  }

  #choose(view: View): void {
    this.#isChosen = true;
    this.#view = view;
    this.#draw();
  }

  #key(event: KeyboardEvent): void {
    const views = Object.keys(this.#tabs) as View[];
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = views[(views.indexOf(this.#view) + step + views.length) % views.length];
    if (step === 0 || next === undefined) return;
    this.#choose(next);
    this.#tabs[next].focus();
    event.preventDefault();
  }

  #draw(): void {
    const message = this.#message;
    if (message === null) return;
    for (const [view, tab] of Object.entries(this.#tabs)) {
      tab.setAttribute("aria-selected", String(view === this.#view));
      tab.tabIndex = view === this.#view ? 0 : -1;
    }
    const shown = message.compressed ? "" : this.#view === "hex" ? asHex(message) : this.#view === "json" ? asJson(message) : asText(message);
    this.#shown.textContent = shown;
    setText(this.#missing, shown === null ? "This is no JSON." : missing(message, this.#view === "hex"));
  }
}
