// The question before a kick: which code, which reason.

import { type Kick, textOf } from "./api.ts";
import { h, setText } from "./dom.ts";

/** Asks, and kicks by `act`, which gives what became of it. What is refused is said, and can be mended. */
export function askToKick(what: string, isMany: boolean, act: (how: Kick) => Promise<void>): void {
  const code = h("input", { name: "code", inputmode: "numeric", pattern: "[0-9]{4}", value: "1001", list: "close-codes", required: true, size: 6, autocomplete: "off" });
  const reason = h("input", { name: "reason", maxlength: 123, autocomplete: "off", placeholder: "none" });
  const rate = h("input", { name: "rate", inputmode: "numeric", pattern: "[0-9]*", size: 6, autocomplete: "off", placeholder: "all" });
  const problem = h("p", { class: "problem", role: "alert" });
  const kick = h("button", { class: "danger", type: "submit" }, "Kick");
  const cancel = h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "kick-title" }, `Kick ${what}`),
    h("p", { class: "muted" }, "A WebSocket's client gets this close code and reason, its upstream 1001. Other streams are ended in order."),
    h(
      "div",
      { class: "fields" },
      h("label", { class: "field" }, h("span", { class: "label" }, "Code"), code),
      h("label", { class: "field grow" }, h("span", { class: "label" }, "Reason"), reason),
      isMany ? h("label", { class: "field" }, h("span", { class: "label" }, "Per second"), rate) : null,
    ),
    codes(),
    problem,
    h("div", { class: "acts" }, cancel, kick),
  );
  const dialog = h("dialog", { class: "kick", "aria-labelledby": "kick-title", on: { close: () => dialog.remove() } }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    kick.disabled = true;
    try {
      await act({ code: code.value, reason: reason.value, rate: rate.value });
      dialog.close();
    } catch (error) {
      setText(problem, textOf(error));
    } finally {
      kick.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  code.select();
}

/** The codes that an operator may mean; his own begin with 4000 (RFC 6455 §7.4). */
function codes(): HTMLDataListElement {
  const known = [
    ["1000", "normal closure"],
    ["1001", "going away"],
    ["1008", "policy violation"],
    ["1011", "internal error"],
    ["1012", "service restart"],
    ["1013", "try again later"],
    ["4000", "your own, up to 4999"],
  ];
  return h("datalist", { id: "close-codes" }, ...known.map(([value, label]) => h("option", { value, label })));
}
