// The page of one connection: what is known of it, its messages, and what an operator does to it.

import * as api from "./api.ts";
import type { Connection } from "./api.ts";
import { Calls } from "./calls.ts";
import { stateText } from "./columns.ts";
import { Composer } from "./composer.ts";
import { h, setClass, setText } from "./dom.ts";
import { Facts } from "./facts.ts";
import { askToKick } from "./kick.ts";
import { Messages } from "./messages.ts";
import type { Page } from "./page.ts";
import { Tags } from "./tags.ts";

export class ConnectionPage implements Page {
  readonly name = "connection";
  readonly title: string;
  readonly element: HTMLElement;
  readonly #heading = h("h1");
  readonly #state = h("span", { class: "badge" });
  readonly #problem = h("p", { class: "problem", role: "alert" });
  readonly #kick = h("button", { class: "danger", on: { click: () => this.#askToKick() } }, "Kick …");
  readonly #facts = new Facts();
  readonly #tags: Tags;
  readonly #calls = new Calls();
  readonly #messages: Messages;
  readonly #composer: Composer;
  #timer = 0;

  constructor(readonly id: number) {
    this.title = `Connection ${id}`;
    setText(this.#heading, this.title);
    this.#tags = new Tags(id, (connection) => this.#show(connection));
    this.#composer = new Composer(id);
    this.#messages = new Messages(id, (connection) => this.#show(connection));
    this.element = h(
      "section",
      { class: "page" },
      h(
        "div",
        { class: "toolbar" },
        h("a", { class: "back", href: "#/connections" }, "← Connections"),
        this.#heading,
        this.#state,
        this.#tags.element,
        this.#kick,
        this.#messages.status.element,
      ),
      this.#problem,
      h("div", { class: "columns" }, this.#facts.element, h("div", { class: "talk" }, this.#calls.element, this.#messages.element, this.#composer.element)),
    );
    void this.#refresh();
  }

  leave(): void {
    this.#messages.leave();
    clearTimeout(this.#timer);
    this.#timer = -1;
  }

  async #refresh(): Promise<void> {
    try {
      const connection = await api.show(this.id);
      if (this.#timer === -1) return;
      this.#show(connection);
      setText(this.#problem, "");
      if (connection.state === "closed") return;
    } catch (error) {
      setText(this.#problem, api.textOf(error));
      if (error instanceof api.Refused && error.status === 404) return this.#end();
    }
    if (this.#timer !== -1) this.#timer = setTimeout(() => void this.#refresh(), REFRESH_MS);
  }

  #show(connection: Connection): void {
    setText(this.#heading, `${connection.protocol} ${connection.id}`);
    setClass(this.#state, `badge ${connection.state}`);
    setText(this.#state, stateText(connection));
    this.#facts.show(connection);
    this.#tags.show(connection);
    this.#calls.show(connection);
    if (connection.state === "closed") this.#end();
  }

  #end(): void {
    this.#kick.disabled = true;
    this.#composer.close();
  }

  #askToKick(): void {
    askToKick(`connection ${this.id}`, false, async (how) => {
      await api.kick(this.id, how);
    });
  }
}

const REFRESH_MS = 1_000;
