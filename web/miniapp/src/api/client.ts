import { ApiError, isAbort, offline } from "./errors";
import { events } from "./sse";
import type {
  ChatRequest,
  Config,
  ErrorBody,
  Facts,
  Me,
  Model,
  Session,
  Topup,
  Trust,
  UsageDay,
} from "./types";

/** A pause before a call is made again that failed without an answer, in milliseconds. */
const RETRY_PAUSE = 600;
const CALL_TIMEOUT = 30_000;

/** Where the session comes from; `renew` logs in again with what Telegram gave. */
export interface Credentials {
  token(): Promise<string>;
  renew(): Promise<string>;
}

export type ChatEvent =
  | { kind: "delta"; text: string }
  | { kind: "done"; facts: Facts }
  | { kind: "error"; error: ApiError };

export interface TopupOrder {
  method: "ton" | "stars";
  nano?: number;
  stars?: number;
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { error?: ErrorBody };
    if (body.error?.code) return new ApiError(body.error);
  } catch {
    // No JSON: something between us and the service answered.
  }
  const code = response.status >= 500 ? "unavailable" : "internal";
  return new ApiError({ code, action: "retry" });
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: "no-store", credentials: "omit" });
  } catch (error) {
    throw isAbort(error) ? error : offline();
  }
}

/** The service's public settings; needs no session. */
export async function readConfig(base: string): Promise<Config> {
  const response = await reach(`${base}config.json`, {});
  if (!response.ok) throw await failure(response);
  return (await response.json()) as Config;
}

/** Exchange initData for a session. */
export async function login(base: string, initData: string, nonce: string): Promise<Session> {
  const response = await reach(`${base}api/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ init_data: initData, nonce }),
  });
  if (!response.ok) throw await failure(response);
  return (await response.json()) as Session;
}

/** The API with a session; every call throws {@link ApiError}. */
export class Api {
  private readonly base: string;
  private readonly credentials: Credentials;

  constructor(base: string, credentials: Credentials) {
    this.base = base;
    this.credentials = credentials;
  }

  /** Make a call; a session that has ended is renewed once. */
  private async call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const attempt = (token: string) =>
      reach(`${this.base}api/${path}`, {
        ...init,
        method,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      });
    const token = await this.credentials.token();
    init.signal?.throwIfAborted();
    let response = await attempt(token);
    if (response.status === 401) {
      const error = await failure(response);
      if (error.action !== "login") throw error;
      response = await attempt(await this.credentials.renew());
    }
    if (!response.ok) throw await failure(response);
    return response;
  }

  /** A call that changes nothing; made twice when the connection breaks. */
  private async get<T>(path: string): Promise<T> {
    const once = async () => {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), CALL_TIMEOUT);
      try {
        return (await (await this.call("GET", path, { signal: abort.signal })).json()) as T;
      } catch (error) {
        throw isAbort(error) ? offline() : error;
      } finally {
        clearTimeout(timer);
      }
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "offline") throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE));
      return await once();
    }
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const init: RequestInit =
      body === undefined
        ? {}
        : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    return (await (await this.call(method, path, init)).json()) as T;
  }

  me(): Promise<Me> {
    return this.get("me");
  }

  async models(): Promise<Model[]> {
    return (await this.get<{ models: Model[] }>("models")).models;
  }

  facts(id: string): Promise<Facts> {
    return this.get(`answers/${encodeURIComponent(id)}`);
  }

  trust(): Promise<Trust> {
    return this.get("trust");
  }

  async usage(days: number): Promise<UsageDay[]> {
    return (await this.get<{ days: UsageDay[] }>(`usage?days=${days}`)).days;
  }

  async ledger(format: "csv" | "json"): Promise<Blob> {
    return await (await this.call("GET", `ledger?format=${format}`)).blob();
  }

  async topups(): Promise<Topup[]> {
    return (await this.get<{ topups: Topup[] }>("topups")).topups;
  }

  topup(id: string): Promise<Topup> {
    return this.get(`topups/${encodeURIComponent(id)}`);
  }

  order(order: TopupOrder): Promise<Topup> {
    return this.send("POST", "topups", order);
  }

  refund(id: string): Promise<Topup> {
    return this.send("POST", `topups/${encodeURIComponent(id)}/refund`);
  }

  async forget(): Promise<void> {
    await this.send("DELETE", "me/data");
  }

  /**
   * Ask, and get the answer in pieces. Aborting `signal` stops the answer and throws `AbortError`.
   *
   * A stream that ends without `done` or `error` throws `offline`: ask again with the same id.
   */
  async *chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const response = await this.call("POST", "chat", {
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(request),
      signal,
    });
    if (!response.body) throw offline();
    try {
      for await (const { event, data } of events(response.body)) {
        const read = chatEvent(event, data);
        if (!read) continue;
        yield read;
        if (read.kind !== "delta") return;
      }
    } catch (error) {
      if (signal.aborted) throw new DOMException("stopped", "AbortError");
      throw error instanceof ApiError ? error : offline();
    }
    if (signal.aborted) throw new DOMException("stopped", "AbortError");
    throw offline();
  }
}

function chatEvent(event: string, data: string): ChatEvent | null {
  if (event === "delta")
    return { kind: "delta", text: (JSON.parse(data) as { text: string }).text };
  if (event === "done") return { kind: "done", facts: JSON.parse(data) as Facts };
  if (event === "error")
    return { kind: "error", error: new ApiError(JSON.parse(data) as ErrorBody) };
  return null;
}
