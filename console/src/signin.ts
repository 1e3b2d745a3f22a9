// Where the token is asked for. The gateway keeps it in a cookie that no script can read.

import { h } from "./dom.ts";
import type { Page } from "./page.ts";

export class SignInPage implements Page {
  readonly name = "signin";
  readonly title = "Sign in";
  readonly element: HTMLElement;
  readonly #token = h("input", { id: "token", type: "password", required: true, autocomplete: "current-password", spellcheck: "false" });

  constructor(wasRefused: boolean) {
    this.element = h(
      "form",
      { class: "card", on: { submit: (event) => this.#submit(event) } },
      h("h1", {}, "Sign in"),
      h("p", { class: "muted" }, "The gateway printed a token when it started, or has it from HIJACK_TOKEN or its configuration."),
      h("label", { class: "field", for: "token" }, h("span", { class: "label" }, "Token"), this.#token),
      wasRefused ? h("p", { class: "problem", role: "alert" }, "This token is not known here.") : null,
      h("div", { class: "acts" }, h("button", { class: "primary", type: "submit" }, "Sign in")),
    );
  }

  enter(): void {
    this.#token.focus();
  }

  leave(): void {}

  #submit(event: Event): void {
    event.preventDefault();
    // The fragment stays, so that the page that was asked for is the one that is shown.
    location.assign(`/?token=${encodeURIComponent(this.#token.value.trim())}${location.hash}`);
  }
}
