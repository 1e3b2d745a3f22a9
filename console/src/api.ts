// The gateway's API: its shapes, and calls to it. The browser brings the token in a cookie that no script can read.

/** A connection; "in" is from the client to the upstream. Times are milliseconds. */
export interface Connection {
  id: number;
  route: string;
  peer: string;
  upstream: string;
  protocol: string;
  subject: string | null;
  state: "open" | "closing" | "closed";
  gear: string;
  request: string;
  subprotocol: string | null;
  extensions: string | null;
  opened_at_ms: number;
  age_ms: number;
  idle_ms: number;
  bytes_in: number;
  bytes_out: number;
  messages_in: number;
  messages_out: number;
  illegal_in: number;
  illegal_out: number;
  movable: boolean;
  not_movable: string | null;
  taps: number;
  tags: string[];
  closed_at_ms: number | null;
  closed_by: string | null;
  reason: string | null;
  code: number | null;
  calls?: Calls;
  head?: { method: string; target: string; headers: [string, string][] };
}

/** The calls of gRPC inside a connection; the list comes with one connection only. */
export interface Calls {
  from: Side | null;
  begun: number;
  open: number;
  not_followed: number;
  lost: string | null;
  ended: Record<string, number>;
  list?: Call[];
}

export interface Call {
  stream: number;
  method: string;
  began_at_ms: number;
  duration_ms: number;
  messages_in: number;
  messages_out: number;
  status: string | null;
  message?: string;
  reset_by?: Side;
}

/** A message as it passed. */
export interface Message {
  seq: number;
  at_ms: number;
  from: "client" | "upstream" | "gateway" | "operator";
  to: Side;
  opcode: "text" | "binary" | "ping" | "pong" | "close" | "data";
  size: number;
  compressed: boolean;
  truncated: boolean;
  text?: string;
  base64?: string;
  code?: number;
}

export type Side = "client" | "upstream";

export interface Kick {
  code: string;
  reason: string;
  rate: string;
}

/** What the gateway said instead of what was asked for; status 0 if it said nothing. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }

  static async of(response: Response): Promise<Refused> {
    try {
      const said = (await response.json()) as { detail?: string };
      return new Refused(response.status, said.detail ?? response.statusText);
    } catch {
      return new Refused(response.status, response.statusText);
    }
  }
}

/** Called when a token is missing or not known any more. */
let signIn: () => void = () => {};

export function onUnauthorized(handler: () => void): void {
  signIn = handler;
}

export async function list(filter: string, signal: AbortSignal): Promise<{ connections: Connection[]; more: boolean }> {
  const query = new URLSearchParams({ filter, limit: String(MOST_LISTED) });
  const page = await call<{ connections: Connection[]; next_cursor: string | null }>("GET", `/api/connections?${query}`, { signal });
  return { connections: page.connections, more: page.next_cursor !== null };
}

export function show(id: number): Promise<Connection> {
  return call("GET", `/api/connections/${id}`);
}

export async function kick(id: number, how: Kick): Promise<number> {
  return (await call<{ matched: number }>("DELETE", `/api/connections/${id}?${kickQuery(how)}`)).matched;
}

/** Kicks many by as few filters as their length allows. */
export async function kickAll(ids: number[], how: Kick): Promise<number> {
  const tests = ids.map((id) => `id=${id}`);
  let matched = 0;
  while (tests.length > 0) {
    const query = kickQuery(how);
    query.set("filter", tests.splice(0, KICKED_BY_ONE_FILTER).join(" or "));
    matched += (await call<{ matched: number }>("DELETE", `/api/connections?${query}`)).matched;
  }
  return matched;
}

export async function send(id: number, to: Side, payload: { text: string } | { base64: string }): Promise<void> {
  await call("POST", `/api/connections/${id}/messages`, { body: { to, ...payload } });
}

export function tag(id: number, tags: string[]): Promise<Connection> {
  return call("PUT", `/api/connections/${id}/tags`, { body: { tags } });
}

async function call<T>(method: string, path: string, options: { body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const init: RequestInit = { method, signal: options.signal ? AbortSignal.any([timeout, options.signal]) : timeout };
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { "content-type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, "the gateway does not answer");
  }
  if (!response.ok) throw await refused(response);
  return (await response.json()) as T;
}

/** The refusal that an answer is. Without a token it leads to where one is asked for. */
export async function refused(response: Response): Promise<Refused> {
  if (response.status === 401) signIn();
  return Refused.of(response);
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function kickQuery(how: Kick): URLSearchParams {
  return new URLSearchParams(Object.entries(how).filter(([, value]) => value !== ""));
}

/** What the API gives in one page. */
export const MOST_LISTED = 10_000;

/** `id=123456789 or ` 200 times keeps below the 4,096 bytes that a filter may have. */
const KICKED_BY_ONE_FILTER = 200;

const CALL_TIMEOUT_MS = 15_000;
