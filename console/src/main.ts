// The console: its pages, and the way between them. A page stands in the fragment of the address:
// `#/connections?filter=…` is the table, `#/connections/ID` is one connection.

import { onUnauthorized } from "./api.ts";
import { ConnectionPage } from "./connection.ts";
import { ConnectionsPage } from "./connections.ts";
import { h } from "./dom.ts";
import type { Page } from "./page.ts";
import { SignInPage } from "./signin.ts";

const main = h("main", { tabindex: "-1" });
let page: Page | null = null;
let isSignedOut = false;

function start(): void {
  // A token that is still in the address was not known: one that is known is taken out of it by the gateway.
  const wasRefused = new URLSearchParams(location.search).has("token");
  if (wasRefused) history.replaceState(null, "", `/${location.hash}`);
  onUnauthorized(() => signIn(wasRefused));
  document.body.append(
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "#/connections" }, "hijack"),
      h("span", { class: "muted" }, "gateway"),
    ),
    main,
  );
  addEventListener("hashchange", route);
  route();
}

function route(): void {
  if (isSignedOut) return;
  const [path = "", query = ""] = location.hash.slice(1).split(/\?(.*)/s);
  const id = /^\/connections\/(\d{1,19})$/.exec(path)?.[1];
  if (id !== undefined) return open(new ConnectionPage(Number(id)));
  if (page instanceof ConnectionsPage) return page.follow(query);
  open(new ConnectionsPage(query));
}

function signIn(wasRefused: boolean): void {
  if (isSignedOut) return;
  isSignedOut = true;
  open(new SignInPage(wasRefused));
}

function open(next: Page): void {
  page?.leave();
  page = next;
  document.title = `${next.title} · hijack`;
  main.className = next.name;
  main.replaceChildren(next.element);
  next.enter?.();
}

start();
