// The operators' words on a connection.

import { type Connection, tag, textOf } from "./api.ts";
import { h, setText } from "./dom.ts";

export class Tags {
  readonly element: HTMLElement;
  readonly #input = h("input", { placeholder: "none", autocomplete: "off", spellcheck: "false", title: "Words with commas between them; Enter keeps them" });
  readonly #problem = h("span", { class: "problem", role: "alert" });
  #isEdited = false;

  constructor(
    readonly id: number,
    readonly changed: (connection: Connection) => void,
  ) {
    this.#input.addEventListener("input", () => {
      this.#isEdited = true;
    });
    this.element = h(
      "form",
      { class: "tags", on: { submit: (event) => void this.#submit(event) } },
      h("label", { class: "field" }, h("span", { class: "label" }, "Tags"), this.#input),
      this.#problem,
    );
  }

  show(connection: Connection): void {
    if (!this.#isEdited) this.#input.value = connection.tags.join(", ");
    this.#input.disabled = connection.state === "closed";
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault();
    const tags = this.#input.value.split(",").map((word) => word.trim()).filter((word) => word !== "");
    try {
      const connection = await tag(this.id, tags);
      this.#isEdited = false;
      setText(this.#problem, "");
      this.changed(connection);
    } catch (error) {
      setText(this.#problem, textOf(error));
    }
  }
}
