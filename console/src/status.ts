// How a live stream does, for everybody to see.

import { h, setClass, setText } from "./dom.ts";
import type { FeedState } from "./feed.ts";

export class Status {
  readonly #text = h("span");
  readonly element = h("div", { class: "status", role: "status" }, h("span", { class: "dot", "aria-hidden": "true" }), this.#text);

  show(state: FeedState): void {
    setClass(this.element, `status ${state.kind}`);
    setText(this.#text, textOf(state));
  }
}

function textOf(state: FeedState): string {
  switch (state.kind) {
    case "connecting":
      return "connecting …";
    case "live":
      return "live";
    case "waiting":
      return `${state.why}: trying again …`;
    case "over":
      return state.why;
  }
}
