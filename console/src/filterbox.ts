// The box for a filter, with what is wrong with it and where.

import { h } from "./dom.ts";

export class FilterBox {
  readonly element: HTMLElement;
  readonly #input = h("input", {
    id: "filter",
    type: "search",
    class: "code",
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    placeholder: "user=alice and idle>30s",
    "aria-describedby": "filter-problem",
  });
  readonly #problem = h("div", { id: "filter-problem", class: "filter-problem", role: "alert" });
  #timer = 0;

  constructor(changed: (filter: string) => void) {
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => changed(this.value), TYPING_MS);
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      clearTimeout(this.#timer);
      changed(this.value);
    });
    this.element = h(
      "div",
      { class: "filterbox" },
      h("label", { class: "field" }, h("span", { class: "label" }, "Filter"), this.#input),
      this.#problem,
    );
  }

  get value(): string {
    return this.#input.value;
  }

  set value(text: string) {
    if (this.#input.value !== text) this.#input.value = text;
  }

  /** Shows what the gateway said of the filter, with `shift` characters put before it; `null` clears it. */
  blame(text: string | null, shift: number): void {
    this.#input.toggleAttribute("aria-invalid", text !== null);
    if (text === null) return this.#problem.replaceChildren();
    const said = /^at character (\d+): (.*)$/s.exec(text);
    if (said === null) return this.#problem.replaceChildren(h("span", {}, text));
    const characters = Array.from(this.value);
    const at = Math.min(Math.max(Number(said[1]) - shift, 1), characters.length + 1);
    const before = characters.slice(0, at - 1).join("");
    this.#problem.replaceChildren(
      h("code", {}, before, h("mark", {}, characters[at - 1] ?? " "), characters.slice(at).join("")),
      h("span", {}, `at character ${at}: ${said[2]}`),
    );
  }
}

/** Whoever types is not interrupted by what he has not finished. */
const TYPING_MS = 200;
