// A payload, to be read: as text, as JSON, as bytes.

import type { Message } from "./api.ts";

/** One line of a message for the list. */
export function preview(message: Message): string {
  if (message.opcode === "close") return [message.code ?? "without a code", message.text ?? ""].join(" ").trim();
  if (message.compressed) return "compressed, not shown";
  if (message.text !== undefined) return message.text.slice(0, PREVIEW).replaceAll(/\s+/g, " ");
  return Array.from(bytesOf(message, PREVIEW_BYTES), hex).join(" ");
}

/** What a search looks through. */
export function searched(message: Message): string {
  return message.text ?? preview(message);
}

/** The first bytes of a payload, at most `most`. */
export function bytesOf(message: Message, most: number): Uint8Array {
  if (message.text !== undefined) return new TextEncoder().encode(message.text.slice(0, most)).subarray(0, most);
  // Four characters of base64 are three bytes.
  const encoded = (message.base64 ?? "").slice(0, Math.ceil(most / 3) * 4);
  const decoded = atob(encoded);
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0)).subarray(0, most);
}

/** As text; bytes that are none become marks. */
export function asText(message: Message): string {
  return message.text ?? new TextDecoder().decode(bytesOf(message, Number.MAX_SAFE_INTEGER));
}

/** As JSON with its levels set off; `null` if it is none. Numbers stay as they were written. */
export function asJson(message: Message): string | null {
  const text = asText(message);
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return indent(text);
}

/** Rows of 16 bytes: offset, bytes, and what of them is ASCII. */
export function asHex(message: Message): string {
  const bytes = bytesOf(message, HEX_BYTES);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Array.from(bytes.subarray(at, at + 16));
    const left = row.slice(0, 8).map(hex).join(" ");
    const right = row.slice(8).map(hex).join(" ");
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${ascii}`);
  }
  return lines.join("\n");
}

/** What is missing of what is shown, in words; empty if nothing is. */
export function missing(message: Message, isHex: boolean): string {
  if (message.compressed) return "The payload is compressed, and this route does not inflate it: see compression in gateway.toml.";
  if (message.truncated) return "Only the beginning is shown.";
  if (isHex && message.size > HEX_BYTES) return `The first ${HEX_BYTES / 1024} KiB are shown.`;
  return "";
}

/** Sets off valid JSON without reading numbers, which would round those beyond 2^53. */
function indent(json: string): string {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(Math.min(depth, MOST_INDENT))}`;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (token === "{" || token === "[") {
      out += token;
      depth += 1;
      out += line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      // An empty one stays on its line.
      out = /[{[]\s*$/.test(out.slice(-2 * MOST_INDENT - 2)) ? out.trimEnd() + token : out + line() + token;
    } else if (token === ",") {
      out += token + line();
    } else {
      out += token === ":" ? ": " : token;
    }
  }
  return out;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

const PREVIEW = 300;
const PREVIEW_BYTES = 48;
const HEX_BYTES = 64 << 10;
const MOST_INDENT = 32;
