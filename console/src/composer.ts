// Where an operator writes to one side of a connection.

import { type Side, send, textOf } from "./api.ts";
import { choice, h, setClass, setText } from "./dom.ts";
import { count } from "./format.ts";

export class Composer {
  readonly element: HTMLFormElement;
  readonly #text = h("textarea", { rows: 2, class: "code", spellcheck: "false", "aria-label": "Message to send", placeholder: "A message …" });
  readonly #said = h("p", { class: "said", role: "status" });
  readonly #send = h("button", { type: "submit", class: "primary" }, "Send");
  #to: Side = "client";
  #isBase64 = false;

  constructor(readonly id: number) {
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
    });
    this.element = h(
      "form",
      { class: "composer", "aria-label": "Send a message", on: { submit: (event) => void this.#submit(event) } },
      this.#text,
      h(
        "div",
        { class: "toolbar" },
        choice("Send to", [["client", "client"], ["upstream", "upstream"]], (value) => {
          this.#to = value as Side;
        }),
        choice("As", [["text", "text"], ["base64", "bytes in base64"]], (value) => {
          this.#isBase64 = value === "base64";
        }),
        this.#send,
        this.#said,
      ),
    );
  }

  /** A connection that has ended takes nothing more. */
  close(): void {
    this.element.hidden = true;
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault();
    const text = this.#text.value;
    this.#send.disabled = true;
    try {
      await send(this.id, this.#to, this.#isBase64 ? { base64: text.trim() } : { text });
      setClass(this.#said, "said muted");
      setText(this.#said, `sent ${count(new Blob([text]).size)} bytes ${this.#isBase64 ? "of base64 " : ""}to the ${this.#to}`);
      // What was typed meanwhile is the next message.
      if (this.#text.value === text) this.#text.value = "";
    } catch (error) {
      setClass(this.#said, "said problem");
      setText(this.#said, `not sent: ${textOf(error)}`);
    } finally {
      this.#send.disabled = false;
    }
  }
}
