// Elements, made by hand. Whatever a peer sent becomes text of a text node, never markup.

export type Child = Node | string | null | undefined;

type Handlers = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export type Props = { on?: Handlers } & { [attribute: string]: unknown };

/** An element with attributes, handlers and children. `true` is an attribute without value, `false` none. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value as object)) element.addEventListener(event, handler);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return element;
}

/** A text node in an element, changed only where it differs: what does not change costs no layout. */
export class Cell {
  readonly element: HTMLElement;
  readonly #text = document.createTextNode("");

  constructor(className: string, props: Props = {}) {
    this.element = h("div", { class: className, ...props }, this.#text);
  }

  set(text: string, title = ""): void {
    if (this.#text.data !== text) this.#text.data = text;
    if (this.element.title !== title) this.element.title = title;
  }
}

/** Changes a class only where it differs. */
export function setClass(element: Element, name: string): void {
  if (element.className !== name) element.className = name;
}

/** Changes an element's whole text only where it differs. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A labelled choice of one word. */
export function choice(label: string, options: [value: string, text: string][], chosen: (value: string) => void): HTMLLabelElement {
  const select = h(
    "select",
    { on: { change: () => chosen(select.value) } },
    ...options.map(([value, text]) => h("option", { value }, text)),
  );
  return h("label", { class: "field" }, h("span", { class: "label" }, label), select);
}
