// Built from console/ at the root of the repository, by console/build.sh.
"use strict";
(() => {
  // src/api.ts
  var Refused = class _Refused extends Error {
    constructor(status, detail) {
      super(detail);
      this.status = status;
    }
    static async of(response) {
      try {
        const said = await response.json();
        return new _Refused(response.status, said.detail ?? response.statusText);
      } catch {
        return new _Refused(response.status, response.statusText);
      }
    }
  };
  var signIn = () => {
  };
  function onUnauthorized(handler) {
    signIn = handler;
  }
  async function list(filter, signal) {
    const query = new URLSearchParams({ filter, limit: String(MOST_LISTED) });
    const page2 = await call("GET", `/api/connections?${query}`, { signal });
    return { connections: page2.connections, more: page2.next_cursor !== null };
  }
  function show(id) {
    return call("GET", `/api/connections/${id}`);
  }
  async function kick(id, how) {
    return (await call("DELETE", `/api/connections/${id}?${kickQuery(how)}`)).matched;
  }
  async function kickAll(ids, how) {
    const tests = ids.map((id) => `id=${id}`);
    let matched = 0;
    while (tests.length > 0) {
      const query = kickQuery(how);
      query.set("filter", tests.splice(0, KICKED_BY_ONE_FILTER).join(" or "));
      matched += (await call("DELETE", `/api/connections?${query}`)).matched;
    }
    return matched;
  }
  async function send(id, to, payload) {
    await call("POST", `/api/connections/${id}/messages`, { body: { to, ...payload } });
  }
  function tag(id, tags) {
    return call("PUT", `/api/connections/${id}/tags`, { body: { tags } });
  }
  async function call(method, path, options = {}) {
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const init = { method, signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout };
    if (options.body !== void 0) {
      init.body = JSON.stringify(options.body);
      init.headers = { "content-type": "application/json" };
    }
    let response;
    try {
      response = await fetch(path, init);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new Refused(0, "the gateway does not answer");
    }
    if (!response.ok) throw await refused(response);
    return await response.json();
  }
  async function refused(response) {
    if (response.status === 401) signIn();
    return Refused.of(response);
  }
  function textOf(error) {
    return error instanceof Error ? error.message : String(error);
  }
  function kickQuery(how) {
    return new URLSearchParams(Object.entries(how).filter(([, value]) => value !== ""));
  }
  var MOST_LISTED = 1e4;
  var KICKED_BY_ONE_FILTER = 200;
  var CALL_TIMEOUT_MS = 15e3;

  // src/dom.ts
  function h(tag2, props = {}, ...children) {
    const element = document.createElement(tag2);
    for (const [name, value] of Object.entries(props)) {
      if (name === "on") {
        for (const [event, handler] of Object.entries(value)) element.addEventListener(event, handler);
      } else if (value === true) {
        element.setAttribute(name, "");
      } else if (value !== false && value !== void 0 && value !== null) {
        element.setAttribute(name, String(value));
      }
    }
    element.append(...children.filter((child) => child !== null && child !== void 0));
    return element;
  }
  var Cell = class {
    element;
    #text = document.createTextNode("");
    constructor(className, props = {}) {
      this.element = h("div", { class: className, ...props }, this.#text);
    }
    set(text2, title = "") {
      if (this.#text.data !== text2) this.#text.data = text2;
      if (this.element.title !== title) this.element.title = title;
    }
  };
  function setClass(element, name) {
    if (element.className !== name) element.className = name;
  }
  function setText(element, text2) {
    if (element.textContent !== text2) element.textContent = text2;
  }
  function choice(label, options, chosen) {
    const select = h(
      "select",
      { on: { change: () => chosen(select.value) } },
      ...options.map(([value, text2]) => h("option", { value }, text2))
    );
    return h("label", { class: "field" }, h("span", { class: "label" }, label), select);
  }

  // src/format.ts
  var counts = new Intl.NumberFormat("en");
  function count(value) {
    return counts.format(value);
  }
  function size(bytes) {
    if (bytes < 1024) return `${bytes} B`;
    let value = bytes;
    let unit = 0;
    while (value >= 1e3 && unit < UNITS.length) {
      value /= 1024;
      unit += 1;
    }
    return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit - 1]}`;
  }
  var UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  function span(ms) {
    const seconds = Math.floor(ms / 1e3);
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} m ${two(seconds % 60)} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return `${hours} h ${two(minutes % 60)} m`;
    return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
  }
  function took(ms) {
    return ms < 1e3 ? `${ms} ms` : ms < 6e4 ? `${(ms / 1e3).toPrecision(3)} s` : span(ms);
  }
  function clock(ms) {
    const time = new Date(ms);
    const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
    return `${parts}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  }
  function date(ms) {
    const time = new Date(ms);
    const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
    return `${day} ${clock(ms)}`;
  }
  function two(value) {
    return String(value).padStart(2, "0");
  }

  // src/calls.ts
  var Calls = class {
    element;
    #summary = h("summary");
    #rows = h("tbody");
    constructor() {
      const heads = HEADS.map((head) => h("th", { scope: "col" }, head));
      const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads)), this.#rows);
      this.element = h("details", { class: "calls", open: true, hidden: true }, this.#summary, h("div", { class: "scroll" }, table));
    }
    show({ calls }) {
      this.element.hidden = calls === void 0;
      if (calls === void 0) return;
      const parts = [`${count(calls.begun)} calls`, `${count(calls.open)} open`];
      for (const [status, ended] of Object.entries(calls.ended)) parts.push(`${count(ended)} ${status}`);
      if (calls.not_followed > 0) parts.push(`${count(calls.not_followed)} too many to be followed`);
      if (calls.lost !== null) parts.push(`not followed any more: ${calls.lost}`);
      setText(this.#summary, parts.join(" · "));
      const newest = (calls.list ?? []).toSorted((one, other) => other.began_at_ms - one.began_at_ms || other.stream - one.stream);
      this.#rows.replaceChildren(...newest.map(row));
    }
  };
  var HEADS = ["Began", "Method", "Status", "Took", "In", "Out"];
  function row(call2) {
    const status = call2.status ?? "open";
    const reset = call2.reset_by === void 0 ? "" : ` (reset by the ${call2.reset_by})`;
    const cells = [clock(call2.began_at_ms), call2.method, status, took(call2.duration_ms), count(call2.messages_in), count(call2.messages_out)];
    const kind = call2.status === null ? "open" : call2.status === "OK" ? "ok" : "failed";
    return h("tr", { class: kind, title: `${call2.message ?? ""}${reset}`.trim() }, ...cells.map((cell) => h("td", {}, cell)));
  }

  // src/columns.ts
  var words = new Intl.Collator("en", { numeric: true });
  function text(name, label, title, of) {
    return { name, label, title, isNumber: false, text: of, compare: (a, b) => words.compare(of(a), of(b)) };
  }
  function number(name, label, title, of, show2) {
    return { name, label, title, isNumber: true, text: (one) => show2(of(one)), compare: (a, b) => of(a) - of(b) };
  }
  var COLUMNS = [
    number("id", "Id", "The connection's number in this gateway", (one) => one.id, String),
    text("route", "Route", "The route that it came by", (one) => one.route),
    text("user", "User", "Whose it is", (one) => one.subject ?? ""),
    text("peer", "Peer", "The client's address", (one) => one.peer),
    text("upstream", "Upstream", "Where it leads", (one) => one.upstream),
    text("protocol", "Protocol", "What was agreed upon", (one) => one.protocol),
    number("age", "Age", "Time since it was opened", (one) => one.age_ms, span),
    number("idle", "Idle", "Time since a byte moved", (one) => one.idle_ms, span),
    number("bytes_in", "In", "Bytes from the client", (one) => one.bytes_in, size),
    number("bytes_out", "Out", "Bytes to the client", (one) => one.bytes_out, size),
    number("messages_in", "Msgs in", "Messages from the client", (one) => one.messages_in, count),
    number("messages_out", "Msgs out", "Messages to the client", (one) => one.messages_out, count),
    text("state", "State", "Whether it lives, or how it ended", stateText)
  ];
  function stateText(connection) {
    if (connection.state !== "closed") return connection.state;
    return connection.code === null ? `closed by ${connection.closed_by ?? "nobody"}` : `closed ${connection.code}`;
  }
  var ConnectionRow = class {
    constructor(selection) {
      this.selection = selection;
      this.#pick.addEventListener("click", (event) => selection.pick(this.#id, event.shiftKey));
      this.element = h(
        "div",
        { class: "row" },
        h("label", { class: "pick", role: "gridcell" }, this.#pick),
        h("div", { class: "id number", role: "gridcell" }, this.#link),
        ...this.#cells.map((cell) => cell.element)
      );
    }
    element;
    #pick = h("input", { type: "checkbox", tabindex: "-1" });
    #link = h("a", { tabindex: "-1" });
    #cells = COLUMNS.slice(1).map((column) => new Cell(`${column.name}${column.isNumber ? " number" : ""}`, { role: "gridcell" }));
    #id = -1;
    show(connection) {
      if (this.#id !== connection.id) {
        this.#id = connection.id;
        this.#link.textContent = String(connection.id);
        this.#link.href = `#/connections/${connection.id}`;
        this.#pick.setAttribute("aria-label", `Select connection ${connection.id}`);
        this.element.dataset.id = String(connection.id);
      }
      const isSelected = this.selection.isSelected(connection.id);
      if (this.#pick.checked !== isSelected) this.#pick.checked = isSelected;
      this.element.setAttribute("aria-selected", String(isSelected));
      if (this.element.dataset.state !== connection.state) this.element.dataset.state = connection.state;
      this.#cells.forEach((cell, index) => {
        const column = COLUMNS[index + 1];
        const value = column.text(connection);
        cell.set(value, column.name === "state" ? connection.reason ?? "" : column.isNumber ? "" : value);
      });
    }
  };

  // src/composer.ts
  var Composer = class {
    constructor(id) {
      this.id = id;
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
            this.#to = value;
          }),
          choice("As", [["text", "text"], ["base64", "bytes in base64"]], (value) => {
            this.#isBase64 = value === "base64";
          }),
          this.#send,
          this.#said
        )
      );
    }
    element;
    #text = h("textarea", { rows: 2, class: "code", spellcheck: "false", "aria-label": "Message to send", placeholder: "A message …" });
    #said = h("p", { class: "said", role: "status" });
    #send = h("button", { type: "submit", class: "primary" }, "Send");
    #to = "client";
    #isBase64 = false;
    /** A connection that has ended takes nothing more. */
    close() {
      this.element.hidden = true;
    }
    async #submit(event) {
      event.preventDefault();
      const text2 = this.#text.value;
      this.#send.disabled = true;
      try {
        await send(this.id, this.#to, this.#isBase64 ? { base64: text2.trim() } : { text: text2 });
        setClass(this.#said, "said muted");
        setText(this.#said, `sent ${count(new Blob([text2]).size)} bytes ${this.#isBase64 ? "of base64 " : ""}to the ${this.#to}`);
        if (this.#text.value === text2) this.#text.value = "";
      } catch (error) {
        setClass(this.#said, "said problem");
        setText(this.#said, `not sent: ${textOf(error)}`);
      } finally {
        this.#send.disabled = false;
      }
    }
  };

  // src/facts.ts
  var FACTS = [
    ["Route", (one) => one.route],
    ["User", (one) => one.subject ?? ""],
    ["Peer", (one) => one.peer],
    ["Upstream", (one) => one.upstream],
    ["Request", (one) => one.request],
    ["Protocol", (one) => one.protocol],
    ["Subprotocol", (one) => one.subprotocol ?? ""],
    ["Extensions", (one) => one.extensions ?? ""],
    ["Opened", (one) => date(one.opened_at_ms)],
    ["Age", (one) => span(one.age_ms)],
    ["Idle", (one) => one.state === "closed" ? "" : span(one.idle_ms)],
    ["In", (one) => traffic(one.bytes_in, one.messages_in, one.illegal_in)],
    ["Out", (one) => traffic(one.bytes_out, one.messages_out, one.illegal_out)],
    ["Gear", (one) => one.state === "closed" ? "" : one.gear],
    ["Movable", (one) => one.movable ? "yes" : one.not_movable ?? "no"],
    ["Ended", (one) => one.closed_at_ms === null ? "" : date(one.closed_at_ms)],
    ["Ended by", (one) => one.closed_by ?? ""],
    ["Code", (one) => one.code === null ? "" : String(one.code)],
    ["Reason", (one) => one.reason ?? ""]
  ];
  var Facts = class {
    element;
    #lines = FACTS.map(([label]) => {
      const value = h("dd");
      return { value, line: h("div", { hidden: true }, h("dt", {}, label), value) };
    });
    #head = h("div", { class: "head-fields" });
    #hasHead = false;
    constructor() {
      const facts = h("details", {}, h("summary", {}, "Facts"), h("dl", {}, ...this.#lines.map(({ line }) => line)));
      const head = h("details", {}, h("summary", {}, "Request head"), this.#head);
      this.element = h("aside", { class: "facts", "aria-label": "Facts" }, facts, head);
      let wasWide = null;
      new ResizeObserver(() => {
        const isWide = matchMedia(WIDE).matches;
        if (isWide !== wasWide) facts.open = head.open = wasWide = isWide;
      }).observe(this.element);
    }
    show(connection) {
      FACTS.forEach(([, of], index) => {
        const { value, line } = this.#lines[index];
        const text2 = of(connection);
        setText(value, text2);
        line.hidden = text2 === "";
      });
      if (connection.head === void 0 || this.#hasHead) return;
      this.#hasHead = true;
      const { method, target, headers } = connection.head;
      this.#head.replaceChildren(
        h("p", { class: "code" }, `${method} ${target}`),
        h("dl", { class: "code" }, ...headers.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))
      );
    }
  };
  function traffic(bytes, messages, illegal) {
    const parts = [size(bytes)];
    if (messages > 0) parts.push(messages === 1 ? "1 message" : `${count(messages)} messages`);
    if (illegal > 0) parts.push(`${count(illegal)} illegal frames`);
    return parts.join(" · ");
  }
  var WIDE = "(min-width: 900px)";

  // src/kick.ts
  function askToKick(what, isMany, act) {
    const code = h("input", { name: "code", inputmode: "numeric", pattern: "[0-9]{4}", value: "1001", list: "close-codes", required: true, size: 6, autocomplete: "off" });
    const reason = h("input", { name: "reason", maxlength: 123, autocomplete: "off", placeholder: "none" });
    const rate = h("input", { name: "rate", inputmode: "numeric", pattern: "[0-9]*", size: 6, autocomplete: "off", placeholder: "all" });
    const problem = h("p", { class: "problem", role: "alert" });
    const kick2 = h("button", { class: "danger", type: "submit" }, "Kick");
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
        isMany ? h("label", { class: "field" }, h("span", { class: "label" }, "Per second"), rate) : null
      ),
      codes(),
      problem,
      h("div", { class: "acts" }, cancel, kick2)
    );
    const dialog = h("dialog", { class: "kick", "aria-labelledby": "kick-title", on: { close: () => dialog.remove() } }, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      kick2.disabled = true;
      try {
        await act({ code: code.value, reason: reason.value, rate: rate.value });
        dialog.close();
      } catch (error) {
        setText(problem, textOf(error));
      } finally {
        kick2.disabled = false;
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    code.select();
  }
  function codes() {
    const known = [
      ["1000", "normal closure"],
      ["1001", "going away"],
      ["1008", "policy violation"],
      ["1011", "internal error"],
      ["1012", "service restart"],
      ["1013", "try again later"],
      ["4000", "your own, up to 4999"]
    ];
    return h("datalist", { id: "close-codes" }, ...known.map(([value, label]) => h("option", { value, label })));
  }

  // src/feed.ts
  var Feed = class {
    constructor(path, handlers) {
      this.path = path;
      this.handlers = handlers;
      void this.#run();
    }
    #closing = new AbortController();
    close() {
      this.#closing.abort();
    }
    async #run() {
      let failures = 0;
      while (!this.#closing.signal.aborted) {
        this.handlers.state({ kind: "connecting" });
        const why = await this.#once(() => {
          failures = 0;
          this.handlers.state({ kind: "live" });
        });
        if (this.#closing.signal.aborted) return;
        if (why instanceof Refused && why.status >= 400 && why.status < 500) {
          this.handlers.state({ kind: "over", why: why.message, status: why.status });
          return;
        }
        const ms = Math.min(MOST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
        failures += 1;
        this.handlers.state({ kind: "waiting", why: textOf(why), ms });
        await new Promise((done) => {
          setTimeout(done, ms);
          this.#closing.signal.addEventListener("abort", done, { once: true });
        });
      }
    }
    /** Reads it once, to its end; gives why it ended. */
    async #once(isLive) {
      const silence = new AbortController();
      let timer = setTimeout(() => silence.abort(), SILENCE_MS);
      try {
        const signal = AbortSignal.any([silence.signal, this.#closing.signal]);
        const response = await fetch(this.path, { signal, headers: { accept: "text/event-stream" } });
        if (!response.ok || response.body === null) return await refused(response);
        isLive();
        const parser = new Parser(this.handlers);
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (; ; ) {
          const { done, value } = await reader.read();
          if (done || this.#closing.signal.aborted) return "the gateway ended the stream";
          clearTimeout(timer);
          timer = setTimeout(() => silence.abort(), SILENCE_MS);
          parser.push(value);
        }
      } catch {
        return silence.signal.aborted ? "the gateway is silent" : "the gateway does not answer";
      } finally {
        clearTimeout(timer);
      }
    }
  };
  var Parser = class {
    constructor(handlers) {
      this.handlers = handlers;
    }
    #rest = "";
    #name = "";
    #data = "";
    push(text2) {
      const lines = (this.#rest + text2).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
    }
    #line(line) {
      if (line === "") {
        if (this.#data !== "") this.handlers.event(this.#name, this.#data);
        this.#name = this.#data = "";
      } else if (line.startsWith("event: ")) {
        this.#name = line.slice("event: ".length);
      } else if (line.startsWith("data: ")) {
        this.#data += line.slice("data: ".length);
      }
    }
  };
  var FIRST_DELAY_MS = 250;
  var MOST_DELAY_MS = 5e3;
  var SILENCE_MS = 4e4;

  // src/log.ts
  var Log = class {
    #kept = [];
    #shown = [];
    #count = 0;
    /** Lines that were cleared away, or left out at the beginning. Numbers are never used again. */
    #cleared = 0;
    #matches = () => true;
    get shown() {
      return this.#shown;
    }
    get kept() {
      return this.#kept.length;
    }
    /** Lines that were left out at the beginning, because they were too many. */
    get dropped() {
      return this.#count - this.#cleared - this.#kept.length;
    }
    /** Adds lines; gives how many of those that are shown left at the beginning. */
    add(batch) {
      for (const each of batch) {
        this.#count += 1;
        const entry = typeof each === "string" ? { n: this.#count, remark: each } : { n: this.#count, message: each };
        this.#kept.push(entry);
        if (this.#isShown(entry)) this.#shown.push(entry);
      }
      const over = this.#kept.length - MOST_KEPT;
      if (over <= 0) return 0;
      this.#kept.splice(0, over);
      const first = this.#kept[0]?.n ?? 0;
      let gone = 0;
      while (gone < this.#shown.length && this.#shown[gone].n < first) gone += 1;
      this.#shown.splice(0, gone);
      return gone;
    }
    filter(matches) {
      this.#matches = matches;
      this.#shown = this.#kept.filter((entry) => this.#isShown(entry));
    }
    clear() {
      this.#kept = [];
      this.#shown = [];
      this.#cleared = this.#count;
    }
    #isShown(entry) {
      return "remark" in entry || this.#matches(entry.message);
    }
  };
  var MOST_KEPT = 5e3;

  // src/payload.ts
  function preview(message) {
    if (message.opcode === "close") return [message.code ?? "without a code", message.text ?? ""].join(" ").trim();
    if (message.compressed) return "compressed, not shown";
    if (message.text !== void 0) return message.text.slice(0, PREVIEW).replaceAll(/\s+/g, " ");
    return Array.from(bytesOf(message, PREVIEW_BYTES), hex).join(" ");
  }
  function searched(message) {
    return message.text ?? preview(message);
  }
  function bytesOf(message, most) {
    if (message.text !== void 0) return new TextEncoder().encode(message.text.slice(0, most)).subarray(0, most);
    const encoded = (message.base64 ?? "").slice(0, Math.ceil(most / 3) * 4);
    const decoded = atob(encoded);
    return Uint8Array.from(decoded, (character) => character.charCodeAt(0)).subarray(0, most);
  }
  function asText(message) {
    return message.text ?? new TextDecoder().decode(bytesOf(message, Number.MAX_SAFE_INTEGER));
  }
  function asJson(message) {
    const text2 = asText(message);
    try {
      JSON.parse(text2);
    } catch {
      return null;
    }
    return indent(text2);
  }
  function asHex(message) {
    const bytes = bytesOf(message, HEX_BYTES);
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const row2 = Array.from(bytes.subarray(at, at + 16));
      const left = row2.slice(0, 8).map(hex).join(" ");
      const right = row2.slice(8).map(hex).join(" ");
      const ascii = row2.map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
      lines.push(`${at.toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${ascii}`);
    }
    return lines.join("\n");
  }
  function missing(message, isHex) {
    if (message.compressed) return "The payload is compressed, and this route does not inflate it: see compression in gateway.toml.";
    if (message.truncated) return "Only the beginning is shown.";
    if (isHex && message.size > HEX_BYTES) return `The first ${HEX_BYTES / 1024} KiB are shown.`;
    return "";
  }
  function indent(json) {
    let out = "";
    let depth = 0;
    const line = () => `
${"  ".repeat(Math.min(depth, MOST_INDENT))}`;
    for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
      if (token === "{" || token === "[") {
        out += token;
        depth += 1;
        out += line();
      } else if (token === "}" || token === "]") {
        depth -= 1;
        out = /[{[]\s*$/.test(out.slice(-2 * MOST_INDENT - 2)) ? out.trimEnd() + token : out + line() + token;
      } else if (token === ",") {
        out += token + line();
      } else {
        out += token === ":" ? ": " : token;
      }
    }
    return out;
  }
  function hex(byte) {
    return byte.toString(16).padStart(2, "0");
  }
  var PREVIEW = 300;
  var PREVIEW_BYTES = 48;
  var HEX_BYTES = 64 << 10;
  var MOST_INDENT = 32;

  // src/payloadview.ts
  var PayloadView = class {
    element;
    #facts = h("p", { class: "muted" });
    #shown = h("pre", { id: "payload", class: "code", tabindex: "0", role: "tabpanel", "aria-label": "Payload" });
    #missing = h("p", { class: "muted note" });
    #tabs;
    #view = "text";
    #isChosen = false;
    #message = null;
    constructor() {
      const tab = (view, label) => h("button", { type: "button", role: "tab", "aria-controls": "payload", on: { click: () => this.#choose(view), keydown: (event) => this.#key(event) } }, label);
      this.#tabs = { text: tab("text", "Text"), json: tab("json", "JSON"), hex: tab("hex", "Hex") };
      const copy = h("button", { type: "button", on: { click: () => void navigator.clipboard?.writeText(this.#shown.textContent ?? "") } }, "Copy");
      this.element = h(
        "section",
        { class: "payload-view", hidden: true, "aria-label": "The message selected" },
        h("div", { class: "toolbar" }, h("div", { class: "tabs", role: "tablist", "aria-label": "Shown as" }, ...Object.values(this.#tabs)), this.#facts, copy),
        this.#shown,
        this.#missing
      );
    }
    show(message) {
      this.#message = message;
      this.element.hidden = message === null;
      if (message === null) return;
      if (!this.#isChosen) this.#view = message.text === void 0 ? "hex" : /^\s*[[{]/.test(message.text) && asJson(message) !== null ? "json" : "text";
      const way = `${message.from} → ${message.to}`;
      setText(this.#facts, `${way} · ${message.opcode} · ${count(message.size)} bytes · ${date(message.at_ms)}`);
      this.#draw();
    }
    #choose(view) {
      this.#isChosen = true;
      this.#view = view;
      this.#draw();
    }
    #key(event) {
      const views = Object.keys(this.#tabs);
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      const next = views[(views.indexOf(this.#view) + step + views.length) % views.length];
      if (step === 0 || next === void 0) return;
      this.#choose(next);
      this.#tabs[next].focus();
      event.preventDefault();
    }
    #draw() {
      const message = this.#message;
      if (message === null) return;
      for (const [view, tab] of Object.entries(this.#tabs)) {
        tab.setAttribute("aria-selected", String(view === this.#view));
        tab.tabIndex = view === this.#view ? 0 : -1;
      }
      const shown = message.compressed ? "" : this.#view === "hex" ? asHex(message) : this.#view === "json" ? asJson(message) : asText(message);
      this.#shown.textContent = shown;
      setText(this.#missing, shown === null ? "This is no JSON." : missing(message, this.#view === "hex"));
    }
  };

  // src/rows.ts
  var Rows = class {
    constructor(options) {
      this.options = options;
      this.element = h(
        "div",
        {
          class: `rows ${options.className}`,
          role: "grid",
          tabindex: "0",
          "aria-label": options.label,
          on: { keydown: (event) => this.#key(event), click: (event) => this.#click(event), scroll: () => this.draw() }
        },
        h("div", { role: "rowgroup", class: "headings" }, options.head),
        this.#canvas
      );
      new ResizeObserver(() => this.#measure()).observe(this.element);
    }
    element;
    #canvas = h("div", { class: "canvas", role: "rowgroup" });
    #pool = [];
    #items = [];
    #active = null;
    #height = 28;
    #isEndWanted = false;
    #last = [0, 0];
    get items() {
      return this.#items;
    }
    get isAtEnd() {
      const { scrollTop, scrollHeight, clientHeight } = this.element;
      return scrollTop + clientHeight >= scrollHeight - this.#height;
    }
    /** Shows these. With `follow` the end stays in sight; else what is in sight stays, though `removed` went before it. */
    update(items, options = {}) {
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
    draw() {
      const { scrollTop, clientHeight } = this.element;
      const first = Math.max(0, Math.floor(scrollTop / this.#height) - BEYOND);
      const last = Math.min(this.#items.length, Math.ceil((scrollTop + clientHeight) / this.#height) + BEYOND);
      while (this.#pool.length < last - first) this.#add();
      this.#last = [first, last];
      const size2 = this.#pool.length;
      const used = /* @__PURE__ */ new Set();
      let active = "";
      for (let index = first; index < last; index++) {
        const slot = index % size2;
        const row2 = this.#pool[slot];
        const item = this.#items[index];
        used.add(slot);
        row2.show(item);
        const { element } = row2;
        const place = `translateY(${index * this.#height}px)`;
        if (element.style.transform !== place) element.style.transform = place;
        if (element.hidden) element.hidden = false;
        element.setAttribute("aria-rowindex", String(index + 2));
        element.classList.toggle("odd", index % 2 === 1);
        const isActive = this.options.key(item) === this.#active;
        element.classList.toggle("active", isActive);
        if (isActive) active = element.id;
      }
      for (let slot = 0; slot < size2; slot++) {
        if (!used.has(slot)) this.#pool[slot].element.hidden = true;
      }
      if (active === "") this.element.removeAttribute("aria-activedescendant");
      else this.element.setAttribute("aria-activedescendant", active);
    }
    /** Moves to an item, and brings it into sight. */
    moveTo(index) {
      const item = this.#items[Math.min(Math.max(index, 0), this.#items.length - 1)];
      if (item === void 0) return;
      this.#active = this.options.key(item);
      const top = this.#items.indexOf(item) * this.#height;
      const room = this.element.clientHeight - this.#canvas.offsetTop;
      if (top < this.element.scrollTop) this.element.scrollTop = top;
      else if (top + this.#height > this.element.scrollTop + room) this.element.scrollTop = top + this.#height - room;
      this.draw();
      this.options.onMove?.(item);
    }
    #activeIndex() {
      return this.#active === null ? -1 : this.#items.findIndex((item) => this.options.key(item) === this.#active);
    }
    #add() {
      const row2 = this.options.make();
      rowIds += 1;
      row2.element.id = `row-${rowIds}`;
      row2.element.setAttribute("role", "row");
      this.#pool.push(row2);
      this.#canvas.append(row2.element);
    }
    #measure() {
      const height = Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--row-height"));
      const isChanged = height > 0 && height !== this.#height;
      if (isChanged) this.#height = height;
      if (isChanged || this.#isEndWanted) this.update(this.#items, { follow: this.#isEndWanted });
      else this.draw();
    }
    #key(event) {
      if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
      const index = this.#activeIndex();
      const page2 = Math.max(1, Math.floor(this.element.clientHeight / this.#height) - 2);
      const item = this.#items[index];
      switch (event.key) {
        case "ArrowDown":
          this.moveTo(index + 1);
          break;
        case "ArrowUp":
          this.moveTo(index < 0 ? this.#items.length - 1 : index - 1);
          break;
        case "PageDown":
          this.moveTo(index + page2);
          break;
        case "PageUp":
          this.moveTo(index - page2);
          break;
        case "Home":
          this.moveTo(0);
          break;
        case "End":
          this.moveTo(this.#items.length - 1);
          break;
        case "Enter":
          if (item !== void 0) this.options.onOpen?.(item);
          break;
        case " ":
          if (item !== void 0) this.options.onToggle?.(item);
          break;
        default:
          return;
      }
      event.preventDefault();
    }
    #click(event) {
      const target = event.target;
      const element = target.closest(".canvas > [role=row]");
      if (element === null || target.closest("a, button, input, label") !== null) return;
      if (getSelection()?.isCollapsed === false) return;
      const slot = this.#pool.findIndex((row2) => row2.element === element);
      const [first, last] = this.#last;
      for (let index = first; index < last; index++) {
        const item = this.#items[index];
        if (index % this.#pool.length !== slot || item === void 0) continue;
        this.#active = this.options.key(item);
        this.draw();
        this.options.onMove?.(item);
        this.options.onOpen?.(item);
      }
    }
  };
  var rowIds = 0;
  var BEYOND = 4;

  // src/search.ts
  var Search = class {
    element;
    #text = h("input", { type: "search", placeholder: "text", spellcheck: "false", autocomplete: "off", "aria-describedby": "search-problem" });
    #isRegex = h("input", { type: "checkbox" });
    #problem = h("span", { id: "search-problem", class: "problem", role: "alert" });
    #to = "";
    #kind = "";
    constructor(changed) {
      const tell = () => {
        const matcher = this.#matcher();
        if (matcher !== null) changed(matcher);
      };
      this.#text.addEventListener("input", tell);
      this.#isRegex.addEventListener("change", tell);
      this.element = h(
        "div",
        { class: "search" },
        h("label", { class: "field grow" }, h("span", { class: "label" }, "Search"), this.#text),
        h("label", { class: "check" }, this.#isRegex, "regex"),
        choice("Direction", DIRECTIONS, (value) => {
          this.#to = value;
          tell();
        }),
        choice("Kind", KINDS, (value) => {
          this.#kind = value;
          tell();
        }),
        this.#problem
      );
    }
    /** `null` while the expression is none, so that what is shown stays. */
    #matcher() {
      const [to, kind, text2] = [this.#to, this.#kind, this.#text.value];
      const has = this.#has(text2);
      this.#text.toggleAttribute("aria-invalid", has === null);
      if (has === null) return null;
      return (message) => (to === "" || message.to === to) && (kind === "" || kindOf(message) === kind) && has(message);
    }
    #has(text2) {
      setText(this.#problem, "");
      if (text2 === "") return () => true;
      if (!this.#isRegex.checked) {
        const wanted = text2.toLowerCase();
        return (message) => searched(message).toLowerCase().includes(wanted);
      }
      try {
        const regex = new RegExp(text2, "iu");
        return (message) => regex.test(searched(message));
      } catch (error) {
        setText(this.#problem, error instanceof Error ? error.message : String(error));
        return null;
      }
    }
  };
  function kindOf(message) {
    return ["ping", "pong", "close"].includes(message.opcode) ? "control" : message.opcode;
  }
  var DIRECTIONS = [
    ["", "both ways"],
    ["upstream", "↑ to upstream"],
    ["client", "↓ to client"]
  ];
  var KINDS = [
    ["", "all kinds"],
    ["text", "text"],
    ["binary", "binary"],
    ["control", "control"],
    ["data", "stream data"],
    ["stdin", "stdin"],
    ["stdout", "stdout"],
    ["stderr", "stderr"],
    ["output", "terminal output"]
  ];

  // src/status.ts
  var Status = class {
    #text = h("span");
    element = h("div", { class: "status", role: "status" }, h("span", { class: "dot", "aria-hidden": "true" }), this.#text);
    show(state) {
      setClass(this.element, `status ${state.kind}`);
      setText(this.#text, textOf2(state));
    }
  };
  function textOf2(state) {
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

  // src/messages.ts
  var Messages = class {
    element;
    status = new Status();
    #log = new Log();
    #payload = new PayloadView();
    #summary = h("p", { class: "summary muted" });
    #pause = h("button", { type: "button", "aria-pressed": "false", on: { click: () => this.#turn() } }, "Pause");
    #rows;
    #feed;
    /** What came and is not in the log yet: until the next frame, or while it is paused. */
    #waiting = [];
    #lost = 0;
    #isPaused = false;
    #frame = 0;
    #wasLive = false;
    constructor(id, ended) {
      this.#rows = new Rows({
        label: "Messages",
        className: "message-rows",
        head: h(
          "div",
          { class: "row head", role: "row" },
          ...["Way", "From", "Kind", "Payload", "Size", "Time"].map(
            (text2) => h("div", { role: "columnheader", class: text2.toLowerCase() + (text2 === "Size" ? " number" : "") }, text2)
          )
        ),
        key: (entry) => entry.n,
        make: () => new MessageRow(),
        onMove: (entry) => this.#payload.show("message" in entry ? entry.message : null)
      });
      const search = new Search((matcher) => {
        this.#log.filter(matcher);
        this.#rows.update(this.#log.shown, { follow: true });
        this.#tell();
      });
      this.element = h(
        "section",
        { class: "messages", "aria-label": "Messages" },
        h("div", { class: "toolbar" }, this.#pause, h("button", { type: "button", on: { click: () => this.#clear() } }, "Clear"), search.element),
        this.#rows.element,
        this.#summary,
        this.#payload.element
      );
      this.#tell();
      this.#feed = new Feed(`/api/connections/${id}/messages`, {
        event: (name, data) => {
          if (name === "message") this.#take(JSON.parse(data));
          else if (name === "skipped") this.#take(`${count(JSON.parse(data).count)} skipped: more than this browser took`);
          else if (name === "closed") {
            this.#feed.close();
            this.status.show(ENDED);
            this.#take("the connection has ended");
            ended(JSON.parse(data));
          }
        },
        state: (state) => {
          if (state.kind === "live" && this.#wasLive) this.#take("taken up again: what passed in between is missing");
          this.#wasLive ||= state.kind === "live";
          this.status.show(state.kind === "over" && state.status === 404 ? ENDED : state);
        }
      });
    }
    leave() {
      this.#feed.close();
      cancelAnimationFrame(this.#frame);
    }
    #take(each) {
      this.#waiting.push(each);
      if (this.#waiting.length >= 2 * MOST_KEPT) this.#lost += this.#waiting.splice(0, this.#waiting.length - MOST_KEPT).length;
      if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
    }
    #draw() {
      this.#frame = 0;
      if (!this.#isPaused && this.#waiting.length > 0) {
        const follow = this.#rows.isAtEnd;
        const removed = this.#log.add(this.#waiting);
        this.#waiting = [];
        this.#rows.update(this.#log.shown, { follow, removed });
      }
      this.#tell();
    }
    #turn() {
      this.#isPaused = !this.#isPaused;
      this.#pause.setAttribute("aria-pressed", String(this.#isPaused));
      this.#draw();
    }
    #clear() {
      this.#waiting = [];
      this.#lost = 0;
      this.#log.clear();
      this.#rows.update(this.#log.shown);
      this.#payload.show(null);
      this.#tell();
    }
    #tell() {
      const waiting = this.#waiting.length;
      setText(this.#pause, !this.#isPaused ? "Pause" : waiting === 0 ? "Resume" : `Resume (${count(waiting)})`);
      const { kept, shown } = this.#log;
      const dropped = this.#log.dropped + this.#lost;
      const parts = kept === 0 ? ["Messages are shown from now on."] : [`${count(shown.length)} of ${count(kept)} shown`];
      if (dropped > 0) parts.push(`${count(dropped)} earlier ones not kept`);
      setText(this.#summary, parts.join(" · "));
    }
  };
  var MessageRow = class {
    element;
    #cells = ["way", "from", "kind", "payload", "size number", "time"].map((name) => new Cell(name, { role: "gridcell" }));
    #n = 0;
    constructor() {
      this.element = h("div", { class: "row" }, ...this.#cells.map((cell) => cell.element));
    }
    show(entry) {
      if (this.#n === entry.n) return;
      this.#n = entry.n;
      const isMessage = "message" in entry;
      const base = isMessage ? `row to-${entry.message.to} ${entry.message.opcode}` : "row remark";
      setClass(this.element, base);
      const texts = isMessage ? textsOf(entry.message) : ["", "", "", entry.remark, "", ""];
      this.#cells.forEach((cell, index) => cell.set(texts[index]));
      this.#cells[0]?.element.setAttribute("aria-label", isMessage ? `to ${entry.message.to}` : "");
    }
  };
  function textsOf(message) {
    const way = message.to === "upstream" ? "↑" : "↓";
    return [way, message.from, message.opcode, preview(message), size(message.size), clock(message.at_ms)];
  }
  var ENDED = { kind: "over", why: "ended", status: 200 };

  // src/tags.ts
  var Tags = class {
    constructor(id, changed) {
      this.id = id;
      this.changed = changed;
      this.#input.addEventListener("input", () => {
        this.#isEdited = true;
      });
      this.element = h(
        "form",
        { class: "tags", on: { submit: (event) => void this.#submit(event) } },
        h("label", { class: "field" }, h("span", { class: "label" }, "Tags"), this.#input),
        this.#problem
      );
    }
    element;
    #input = h("input", { placeholder: "none", autocomplete: "off", spellcheck: "false", title: "Words with commas between them; Enter keeps them" });
    #problem = h("span", { class: "problem", role: "alert" });
    #isEdited = false;
    show(connection) {
      if (!this.#isEdited) this.#input.value = connection.tags.join(", ");
      this.#input.disabled = connection.state === "closed";
    }
    async #submit(event) {
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
  };

  // src/connection.ts
  var ConnectionPage = class {
    constructor(id) {
      this.id = id;
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
          this.#messages.status.element
        ),
        this.#problem,
        h("div", { class: "columns" }, this.#facts.element, h("div", { class: "talk" }, this.#calls.element, this.#messages.element, this.#composer.element))
      );
      void this.#refresh();
    }
    name = "connection";
    title;
    element;
    #heading = h("h1");
    #state = h("span", { class: "badge" });
    #problem = h("p", { class: "problem", role: "alert" });
    #kick = h("button", { class: "danger", on: { click: () => this.#askToKick() } }, "Kick …");
    #facts = new Facts();
    #tags;
    #calls = new Calls();
    #messages;
    #composer;
    #timer = 0;
    leave() {
      this.#messages.leave();
      clearTimeout(this.#timer);
      this.#timer = -1;
    }
    async #refresh() {
      try {
        const connection = await show(this.id);
        if (this.#timer === -1) return;
        this.#show(connection);
        setText(this.#problem, "");
        if (connection.state === "closed") return;
      } catch (error) {
        setText(this.#problem, textOf(error));
        if (error instanceof Refused && error.status === 404) return this.#end();
      }
      if (this.#timer !== -1) this.#timer = setTimeout(() => void this.#refresh(), REFRESH_MS);
    }
    #show(connection) {
      setText(this.#heading, `${connection.protocol} ${connection.id}`);
      setClass(this.#state, `badge ${connection.state}`);
      setText(this.#state, stateText(connection));
      this.#facts.show(connection);
      this.#tags.show(connection);
      this.#calls.show(connection);
      if (connection.state === "closed") this.#end();
    }
    #end() {
      this.#kick.disabled = true;
      this.#composer.close();
    }
    #askToKick() {
      askToKick(`connection ${this.id}`, false, async (how) => {
        await kick(this.id, how);
      });
    }
  };
  var REFRESH_MS = 1e3;

  // src/filterbox.ts
  var FilterBox = class {
    element;
    #input = h("input", {
      id: "filter",
      type: "search",
      class: "code",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      placeholder: "user=alice and idle>30s",
      "aria-describedby": "filter-problem"
    });
    #problem = h("div", { id: "filter-problem", class: "filter-problem", role: "alert" });
    #timer = 0;
    constructor(changed) {
      this.#input.addEventListener("input", () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => changed(this.value), TYPING_MS);
      });
      this.#input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        clearTimeout(this.#timer);
        changed(this.value);
      });
      this.element = h(
        "div",
        { class: "filterbox" },
        h("label", { class: "field" }, h("span", { class: "label" }, "Filter"), this.#input),
        this.#problem
      );
    }
    get value() {
      return this.#input.value;
    }
    set value(text2) {
      if (this.#input.value !== text2) this.#input.value = text2;
    }
    /** Shows what the gateway said of the filter, with `shift` characters put before it; `null` clears it. */
    blame(text2, shift) {
      this.#input.toggleAttribute("aria-invalid", text2 !== null);
      if (text2 === null) return this.#problem.replaceChildren();
      const said = /^at character (\d+): (.*)$/s.exec(text2);
      if (said === null) return this.#problem.replaceChildren(h("span", {}, text2));
      const characters = Array.from(this.value);
      const at = Math.min(Math.max(Number(said[1]) - shift, 1), characters.length + 1);
      const before = characters.slice(0, at - 1).join("");
      this.#problem.replaceChildren(
        h("code", {}, before, h("mark", {}, characters[at - 1] ?? " "), characters.slice(at).join("")),
        h("span", {}, `at character ${at}: ${said[2]}`)
      );
    }
  };
  var TYPING_MS = 200;

  // src/connections.ts
  var ConnectionsPage = class {
    name = "connections";
    title = "Connections";
    element;
    #filter = new FilterBox(() => this.#changed());
    #ended = h("input", { type: "checkbox", on: { change: () => this.#changed() } });
    #summary = h("p", { class: "summary muted", role: "status" });
    #kick = h("button", { class: "danger", disabled: true, on: { click: () => this.#askToKick() } }, "Kick …");
    #all = h("input", { type: "checkbox", "aria-label": "Select all that are shown", on: { change: () => this.#selectAll() } });
    #status = new Status();
    #headings;
    #rows;
    #selected = /* @__PURE__ */ new Set();
    #feed;
    #connections = [];
    #more = false;
    #sort = { column: COLUMNS[0], isDown: false };
    #timer = 0;
    #asking = null;
    #askedAt = 0;
    #took = 0;
    #lastPicked = null;
    constructor(query) {
      this.#headings = COLUMNS.map((column) => this.#heading(column));
      this.#rows = new Rows({
        label: "Connections",
        className: "connection-rows",
        head: h("div", { class: "row head", role: "row" }, h("div", { class: "pick", role: "columnheader" }, this.#all), ...this.#headings),
        key: (connection) => connection.id,
        make: () => new ConnectionRow({ isSelected: (id) => this.#selected.has(id), pick: (id, isRange) => this.#pick(id, isRange) }),
        onOpen: (connection) => {
          location.hash = `#/connections/${connection.id}`;
        },
        onToggle: (connection) => this.#pick(connection.id, false)
      });
      this.element = h(
        "section",
        { class: "page" },
        h(
          "div",
          { class: "toolbar" },
          h("h1", {}, "Connections"),
          this.#filter.element,
          h("label", { class: "check" }, this.#ended, "ended ones"),
          this.#kick,
          this.#status.element
        ),
        this.#summary,
        this.#rows.element
      );
      this.#status.show({ kind: "connecting" });
      this.#read(query);
      this.#feed = new Feed("/api/events", {
        event: () => this.#soon(),
        state: (state) => {
          this.#status.show(state);
          if (state.kind === "live") this.#soon();
        }
      });
    }
    leave() {
      this.#feed.close();
      this.#asking?.abort();
      clearTimeout(this.#timer);
      this.#timer = -1;
    }
    /** The address was changed by whoever looks. */
    follow(query) {
      if (query === this.#query()) return;
      this.#read(query);
      void this.#refresh();
    }
    #heading(column) {
      const sort = () => {
        const isSame = this.#sort.column === column;
        this.#sort = { column, isDown: isSame ? !this.#sort.isDown : column.isNumber && column.name !== "id" };
        this.#remember();
        this.#show();
      };
      return h(
        "div",
        { class: `${column.name}${column.isNumber ? " number" : ""}`, role: "columnheader", "aria-sort": "none" },
        h("button", { type: "button", title: column.title, on: { click: sort } }, column.label)
      );
    }
    #read(query) {
      const asked = new URLSearchParams(query);
      this.#filter.value = asked.get("filter") ?? "";
      this.#ended.checked = asked.get("ended") === "1";
      const [name, order] = (asked.get("sort") ?? "id").split(":");
      const column = COLUMNS.find((column2) => column2.name === name) ?? COLUMNS[0];
      this.#sort = { column, isDown: order === "down" };
    }
    #query() {
      const asked = new URLSearchParams();
      if (this.#filter.value !== "") asked.set("filter", this.#filter.value);
      if (this.#ended.checked) asked.set("ended", "1");
      const { column, isDown } = this.#sort;
      if (column.name !== "id" || isDown) asked.set("sort", isDown ? `${column.name}:down` : column.name);
      return asked.toString();
    }
    #remember() {
      const query = this.#query();
      history.replaceState(null, "", query === "" ? "#/connections" : `#/connections?${query}`);
    }
    #changed() {
      this.#remember();
      this.#rows.element.scrollTop = 0;
      void this.#refresh();
    }
    /** The filter as the gateway gets it, and the characters before what was typed. */
    #asked() {
      const typed = this.#filter.value;
      if (!this.#ended.checked) return [typed, 0];
      return typed.trim() === "" ? ["state=closed", 0] : [`(${typed}) and state=closed`, 1];
    }
    async #refresh() {
      this.#asking?.abort();
      const asking = new AbortController();
      this.#asking = asking;
      clearTimeout(this.#timer);
      this.#askedAt = performance.now();
      const [filter, shift] = this.#asked();
      try {
        const { connections, more } = await list(filter, asking.signal);
        if (this.#asking !== asking || asking.signal.aborted) return;
        this.#filter.blame(null, 0);
        this.#connections = connections;
        this.#more = more;
        this.#show();
      } catch (error) {
        if (asking.signal.aborted) return;
        if (error instanceof Refused && error.status === 400) this.#filter.blame(error.message, shift);
        this.#rows.element.classList.add("stale");
      }
      this.#asking = null;
      this.#took = performance.now() - this.#askedAt;
      this.#plan(REFRESH_MS2);
    }
    /** Something happened: asks soon, but spends no more than a part of the time on it. */
    #soon() {
      if (this.#asking === null) this.#plan(SOON_MS);
    }
    #plan(ms) {
      if (this.#timer === -1) return;
      clearTimeout(this.#timer);
      const rest = Math.max(ms, this.#took * PAUSE_PER_WORK) - (ms === SOON_MS ? performance.now() - this.#askedAt : 0);
      this.#timer = setTimeout(() => {
        if (!document.hidden) void this.#refresh();
        else this.#plan(REFRESH_MS2);
      }, Math.max(rest, 0));
    }
    #show() {
      const { column, isDown } = this.#sort;
      const sorted = this.#connections.sort((a, b) => (isDown ? -1 : 1) * column.compare(a, b) || a.id - b.id);
      COLUMNS.forEach((each, index) => {
        const order = each !== column ? "none" : isDown ? "descending" : "ascending";
        this.#headings[index]?.setAttribute("aria-sort", order);
      });
      this.#rows.element.classList.remove("stale");
      this.#rows.update(sorted);
      const present = new Set(sorted.map((connection) => connection.id));
      for (const id of this.#selected) if (!present.has(id)) this.#selected.delete(id);
      this.#showSelection();
      setText(this.#summary, this.#summaryText());
    }
    #summaryText() {
      const all = this.#connections;
      const kind = this.#ended.checked ? "ended" : "live";
      if (all.length === 0) {
        return this.#filter.value.trim() === "" ? `No ${kind} connection.` : `No ${kind} connection matches.`;
      }
      const number2 = this.#more ? `The first ${count(all.length)} ${kind} connections` : all.length === 1 ? `1 ${kind} connection` : `${count(all.length)} ${kind} connections`;
      const sum = (of) => all.reduce((total, connection) => total + of(connection), 0);
      return `${number2} · ${size(sum((one) => one.bytes_in))} in · ${size(sum((one) => one.bytes_out))} out`;
    }
    #pick(id, isRange) {
      const isPicked = !this.#selected.has(id);
      const items = this.#rows.items;
      const [from, to] = [this.#lastPicked ?? id, id].map((key) => items.findIndex((one) => one.id === key));
      const range = isRange && from >= 0 ? items.slice(Math.min(from, to), Math.max(from, to) + 1).map((one) => one.id) : [id];
      for (const each of range) {
        if (isPicked) this.#selected.add(each);
        else this.#selected.delete(each);
      }
      this.#lastPicked = id;
      this.#showSelection();
      this.#rows.draw();
    }
    #selectAll() {
      this.#selected.clear();
      if (this.#all.checked) for (const connection of this.#connections) this.#selected.add(connection.id);
      this.#showSelection();
      this.#rows.draw();
    }
    #showSelection() {
      const picked = this.#selected.size;
      const isEnded = this.#ended.checked;
      this.#kick.disabled = picked === 0 || isEnded;
      setText(this.#kick, picked > 0 && !isEnded ? `Kick ${count(picked)} …` : "Kick …");
      this.#all.checked = picked > 0 && picked === this.#connections.length;
      this.#all.indeterminate = picked > 0 && picked < this.#connections.length;
    }
    #askToKick() {
      const ids = [...this.#selected];
      const what = ids.length === 1 ? `connection ${ids[0]}` : `${count(ids.length)} connections`;
      askToKick(what, ids.length > 1, async (how) => {
        await kickAll(ids, how);
        this.#selected.clear();
        this.#showSelection();
        void this.#refresh();
      });
    }
  };
  var REFRESH_MS2 = 1e3;
  var SOON_MS = 200;
  var PAUSE_PER_WORK = 2;

  // src/signin.ts
  var SignInPage = class {
    name = "signin";
    title = "Sign in";
    element;
    #token = h("input", { id: "token", type: "password", required: true, autocomplete: "current-password", spellcheck: "false" });
    constructor(wasRefused) {
      this.element = h(
        "form",
        { class: "card", on: { submit: (event) => this.#submit(event) } },
        h("h1", {}, "Sign in"),
        h("p", { class: "muted" }, "The gateway printed a token when it started, or has it from HIJACK_TOKEN or its configuration."),
        h("label", { class: "field", for: "token" }, h("span", { class: "label" }, "Token"), this.#token),
        wasRefused ? h("p", { class: "problem", role: "alert" }, "This token is not known here.") : null,
        h("div", { class: "acts" }, h("button", { class: "primary", type: "submit" }, "Sign in"))
      );
    }
    enter() {
      this.#token.focus();
    }
    leave() {
    }
    #submit(event) {
      event.preventDefault();
      location.assign(`/?token=${encodeURIComponent(this.#token.value.trim())}${location.hash}`);
    }
  };

  // src/main.ts
  var main = h("main", { tabindex: "-1" });
  var page = null;
  var isSignedOut = false;
  function start() {
    const wasRefused = new URLSearchParams(location.search).has("token");
    if (wasRefused) history.replaceState(null, "", `/${location.hash}`);
    onUnauthorized(() => signIn2(wasRefused));
    document.body.append(
      h(
        "header",
        { class: "top" },
        h("a", { class: "brand", href: "#/connections" }, "hijack"),
        h("span", { class: "muted" }, "gateway")
      ),
      main
    );
    addEventListener("hashchange", route);
    route();
  }
  function route() {
    if (isSignedOut) return;
    const [path = "", query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    const id = /^\/connections\/(\d{1,19})$/.exec(path)?.[1];
    if (id !== void 0) return open(new ConnectionPage(Number(id)));
    if (page instanceof ConnectionsPage) return page.follow(query);
    open(new ConnectionsPage(query));
  }
  function signIn2(wasRefused) {
    if (isSignedOut) return;
    isSignedOut = true;
    open(new SignInPage(wasRefused));
  }
  function open(next) {
    page?.leave();
    page = next;
    document.title = `${next.title} · hijack`;
    main.className = next.name;
    main.replaceChildren(next.element);
    next.enter?.();
  }
  start();
})();
