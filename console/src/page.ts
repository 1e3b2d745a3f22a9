// What a page is to the console.

export interface Page {
  /** Its class, for the style. */
  readonly name: string;
  readonly title: string;
  readonly element: HTMLElement;
  /** It is in the document now. */
  enter?(): void;
  /** It is left: it ends its streams and timers. */
  leave(): void;
}
