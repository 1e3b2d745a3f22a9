// Which messages are shown: by words or a regular expression, by direction, by kind.

import type { Message } from "./api.ts";
import { choice, h, setText } from "./dom.ts";
import type { Matcher } from "./log.ts";
import { searched } from "./payload.ts";

export class Search {
  readonly element: HTMLElement;
  readonly #text = h("input", { type: "search", placeholder: "text", spellcheck: "false", autocomplete: "off", "aria-describedby": "search-problem" });
  readonly #isRegex = h("input", { type: "checkbox" });
  readonly #problem = h("span", { id: "search-problem", class: "problem", role: "alert" });
  #to = "";
  #kind = "";

  constructor(changed: (matcher: Matcher) => void) {
    const tell = () => {
      const matcher = this.#matcher();
      if (matcher !== null) changed(matcher);
    };
    this.#text.addEventListener("input", tell);
    this.#isRegex.addEventListener("change", tell);
    this.element = h(
      "div",
      { class: "search" },
      h("label", { class: "field grow" }, h("span", { class: "label" }, "Search"), this.#text),
      h("label", { class: "check" }, this.#isRegex, "regex"),
      choice("Direction", DIRECTIONS, (value) => {
        this.#to = value;
        tell();
      }),
      choice("Kind", KINDS, (value) => {
        this.#kind = value;
        tell();
      }),
      this.#problem,
    );
  }

  /** `null` while the expression is none, so that what is shown stays. */
  #matcher(): Matcher | null {
    const [to, kind, text] = [this.#to, this.#kind, this.#text.value];
    const has = this.#has(text);
    this.#text.toggleAttribute("aria-invalid", has === null);
    if (has === null) return null;
    return (message) => (to === "" || message.to === to) && (kind === "" || kindOf(message) === kind) && has(message);
  }

  #has(text: string): ((message: Message) => boolean) | null {
    setText(this.#problem, "");
    if (text === "") return () => true;
    if (!this.#isRegex.checked) {
      const wanted = text.toLowerCase();
      return (message) => searched(message).toLowerCase().includes(wanted);
    }
    try {
      const regex = new RegExp(text, "iu");
      return (message) => regex.test(searched(message));
    } catch (error) {
      setText(this.#problem, error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}

function kindOf(message: Message): string {
  return ["ping", "pong", "close"].includes(message.opcode) ? "control" : message.opcode;
}

const DIRECTIONS: [string, string][] = [
  ["", "both ways"],
  ["upstream", "↑ to upstream"],
  ["client", "↓ to client"],
];

const KINDS: [string, string][] = [
  ["", "all kinds"],
  ["text", "text"],
  ["binary", "binary"],
  ["control", "control"],
  ["data", "stream data"],
  ["stdin", "stdin"],
  ["stdout", "stdout"],
  ["stderr", "stderr"],
  ["output", "terminal output"],
];
