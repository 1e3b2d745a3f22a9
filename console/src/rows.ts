// Rows of which only those in sight are in the document, for a mouse and for a keyboard.

import { h } from "./dom.ts";

/** One row's elements, used for one item after the other. */
export interface Row<T> {
  readonly element: HTMLElement;
  show(item: T): void;
}

export interface RowsOptions<T> {
  label: string;
  className: string;
  /** A row of headings that stays on top. */
  head: HTMLElement;
  /** What tells items apart. */
  key(item: T): number;
  make(): Row<T>;
  /** An item was moved to, by mouse or keyboard. */
  onMove?(item: T): void;
  /** Enter or a click. */
  onOpen?(item: T): void;
  /** The space bar. */
  onToggle?(item: T): void;
}

export class Rows<T> {
  readonly element: HTMLElement;
  readonly #canvas = h("div", { class: "canvas", role: "rowgroup" });
  readonly #pool: Row<T>[] = [];
  #items: readonly T[] = [];
  #active: number | null = null;
  #height = 28;
  #isEndWanted = false;
  #last = [0, 0];

  constructor(readonly options: RowsOptions<T>) {
    this.element = h(
      "div",
      {
        class: `rows ${options.className}`,
        role: "grid",
        tabindex: "0",
        "aria-label": options.label,
        on: { keydown: (event) => this.#key(event), click: (event) => this.#click(event), scroll: () => this.draw() },
      },
      h("div", { role: "rowgroup", class: "headings" }, options.head),
      this.#canvas,
    );
    new ResizeObserver(() => this.#measure()).observe(this.element);
  }

  get items(): readonly T[] {
    return this.#items;
  }

  get isAtEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollTop + clientHeight >= scrollHeight - this.#height;
  }

  /** Shows these. With `follow` the end stays in sight; else what is in sight stays, though `removed` went before it. */
  update(items: readonly T[], options: { follow?: boolean; removed?: number } = {}): void {
    this.#items = items;
    this.#canvas.style.height = `${items.length * this.#height}px`;
    this.element.setAttribute("aria-rowcount", String(items.length + 1));
    this.#isEndWanted = options.follow ?? false;
    if (this.#isEndWanted) {
      this.element.scrollTop = items.length * this.#height;
    } else if (options.removed) {
      this.element.scrollTop -= options.removed * this.#height;
    }
    this.draw();
  }

  /** Puts the rows in sight where they belong. */
  draw(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.#height) - BEYOND);
    const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / this.#height) + BEYOND);
    while (this.#pool.length < last - first) this.#add();
    this.#last = [first, last];
    const size = this.#pool.length;
    const used = new Set<number>();
    let active = "";
    for (let index = first; index < last; index++) {
      const slot = index % size;
      const row = this.#pool[slot] as Row<T>;
      const item = this.#items[index] as T;
      used.add(slot);
      row.show(item);
      const { element } = row;
      const place = `translateY(${index * this.#height}px)`;
      if (element.style.transform !== place) element.style.transform = place;
      if (element.hidden) element.hidden = false;
      element.setAttribute("aria-rowindex", String(index + 2));
      element.classList.toggle("odd", index % 2 === 1);
      const isActive = this.options.key(item) === this.#active;
      element.classList.toggle("active", isActive);
      if (isActive) active = element.id;
    }
    for (let slot = 0; slot < size; slot++) {
      if (!used.has(slot)) (this.#pool[slot] as Row<T>).element.hidden = true;
    }
    if (active === "") this.element.removeAttribute("aria-activedescendant");
    else this.element.setAttribute("aria-activedescendant", active);
  }

  /** Moves to an item, and brings it into sight. */
  moveTo(index: number): void {
    const item = this.#items[Math.min(Math.max(index, 0), this.#items.length - 1)];
    if (item === undefined) return;
    this.#active = this.options.key(item);
    const top = this.#items.indexOf(item) * this.#height;
    const room = this.element.clientHeight - this.#canvas.offsetTop;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + this.#height > this.element.scrollTop + room) this.element.scrollTop = top + this.#height - room;
    this.draw();
    this.options.onMove?.(item);
  }

  #activeIndex(): number {
    return this.#active === null ? -1 : this.#items.findIndex((item) => this.options.key(item) === this.#active);
  }

  #add(): void {
    const row = this.options.make();
    rowIds += 1;
    row.element.id = `row-${rowIds}`;
    row.element.setAttribute("role", "row");
    this.#pool.push(row);
    this.#canvas.append(row.element);
  }

  #measure(): void {
    const height = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row-height"));
    const isChanged = height > 0 && height !== this.#height;
    if (isChanged) this.#height = height;
    if (isChanged || this.#isEndWanted) this.update(this.#items, { follow: this.#isEndWanted });
    else this.draw();
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#activeIndex();
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#height) - 2);
    const item = this.#items[index];
    switch (event.key) {
      case "ArrowDown":
        this.moveTo(index + 1);
        break;
      case "ArrowUp":
        this.moveTo(index < 0 ? this.#items.length - 1 : index - 1);
        break;
      case "PageDown":
        this.moveTo(index + page);
        break;
      case "PageUp":
        this.moveTo(index - page);
        break;
      case "Home":
        this.moveTo(0);
        break;
      case "End":
        this.moveTo(this.#items.length - 1);
        break;
      case "Enter":
        if (item !== undefined) this.options.onOpen?.(item);
        break;
      case " ":
        if (item !== undefined) this.options.onToggle?.(item);
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  #click(event: MouseEvent): void {
    const target = event.target as Element;
    const element = target.closest(".canvas > [role=row]");
    if (element === null || target.closest("a, button, input, label") !== null) return;
    // Whoever marks text to copy it does not want to go elsewhere.
    if (getSelection()?.isCollapsed === false) return;
    const slot = this.#pool.findIndex((row) => row.element === element);
    const [first, last] = this.#last as [number, number];
    for (let index = first; index < last; index++) {
      const item = this.#items[index];
      if (index % this.#pool.length !== slot || item === undefined) continue;
      this.#active = this.options.key(item);
      this.draw();
      this.options.onMove?.(item);
      this.options.onOpen?.(item);
    }
  }
}

let rowIds = 0;

/** Rows that are ready above and below those in sight. */
const BEYOND = 4;
