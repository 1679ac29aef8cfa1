import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Api, type ChatEvent, type Credentials } from "../src/api/client";
import { ApiError } from "../src/api/errors";
import { SessionKeeper } from "../src/state/session";
import { facts } from "./helpers";

type Handler = (url: string, init: RequestInit) => Response | Promise<Response>;

let calls: Array<{ url: string; init: RequestInit }>;
let handler: Handler;

const credentials: Credentials = { token: async () => "T1", renew: async () => "T2" };

function error(code: string, status: number, action: string | null): Response {
  return Response.json(
    { error: { code, message: "m", action, retry_after: null, missing_nano: null } },
    { status },
  );
}

function stream(text: string): Response {
  return new Response(text, { headers: { "Content-Type": "text/event-stream" } });
}

async function collect(
  api: Api,
  signal: AbortSignal = new AbortController().signal,
): Promise<ChatEvent[]> {
  const all: ChatEvent[] = [];
  for await (const event of api.chat({ id: "i".repeat(24), messages: [] }, signal)) all.push(event);
  return all;
}

beforeEach(() => {
  calls = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    calls.push({ url, init });
    return await handler(url, init);
  });
  sessionStorage.clear();
});

afterEach(() => vi.unstubAllGlobals());

describe("Api", () => {
  const api = new Api("./", credentials);

  test("sends the token, and no cookies", async () => {
    handler = () => Response.json({ balance_nano: 1 });
    await api.me();
    expect(calls[0]?.url).toBe("./api/me");
    expect(calls[0]?.init.headers).toMatchObject({ Authorization: "Bearer T1" });
    expect(calls[0]?.init.credentials).toBe("omit");
  });

  test("renews a session that has ended, once", async () => {
    handler = (_, init) =>
      JSON.stringify(init.headers).includes("T2")
        ? Response.json({})
        : error("login_expired", 401, "login");
    await api.me();
    expect(calls).toHaveLength(2);
  });

  test("does not renew where only opening again helps", async () => {
    handler = () => error("init_data_expired", 401, "reopen");
    await expect(api.me()).rejects.toMatchObject({ code: "init_data_expired", action: "reopen" });
    expect(calls).toHaveLength(1);
  });

  test("reads again when the connection breaks, but orders once", async () => {
    handler = () => {
      throw new TypeError("network");
    };
    await expect(api.me()).rejects.toMatchObject({ code: "offline" });
    expect(calls).toHaveLength(2);
    await expect(api.order({ method: "ton", nano: 1 })).rejects.toMatchObject({ code: "offline" });
    expect(calls).toHaveLength(3);
  });

  test("answers that are not JSON are an error with a code", async () => {
    handler = () => new Response("<html>", { status: 502 });
    await expect(api.me()).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a streamed answer", () => {
  const api = new Api("./", credentials);

  test("comes in pieces and ends with facts", async () => {
    const done = JSON.stringify(facts("a"));
    handler = () =>
      stream(`: \n\nevent: delta\ndata: {"text":"Hi"}\n\nevent: done\ndata: ${done}\n\n`);
    expect(await collect(api)).toEqual([
      { kind: "delta", text: "Hi" },
      { kind: "done", facts: facts("a") },
    ]);
  });

  test("that is cut is offline, so that it is asked again with the same id", async () => {
    handler = () => stream('event: delta\ndata: {"text":"Hi"}\n\n');
    await expect(collect(api)).rejects.toMatchObject({ code: "offline" });
  });

  test("can end with an error", async () => {
    handler = () => stream('event: error\ndata: {"code":"timeout","message":""}\n\n');
    const [event] = await collect(api);
    expect(event?.kind === "error" && event.error.code).toBe("timeout");
  });

  test("can be stopped", async () => {
    const abort = new AbortController();
    handler = (_, init) =>
      new Promise((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    const asking = collect(api, abort.signal);
    setTimeout(() => abort.abort(), 5);
    await expect(asking).rejects.toHaveProperty("name", "AbortError");
  });
});

describe("SessionKeeper", () => {
  const session = (token: string, expires: number = 4e9) => ({
    token,
    expires,
    user: { id: 1, first_name: "A", language: "en" },
    start_param: "",
  });
  const nonces = () => calls.map((call) => JSON.parse(String(call.init.body)).nonce as string);

  test("logs in once, and a reload keeps the session", async () => {
    handler = () => Response.json(session("S"));
    const keeper = new SessionKeeper("./", () => "data");
    expect(await Promise.all([keeper.token(), keeper.token()])).toEqual(["S", "S"]);
    expect(await new SessionKeeper("./", () => "data").token()).toBe("S");
    expect(calls).toHaveLength(1);
  });

  test("another initData is another login; the nonce stays the web view's", async () => {
    handler = () => Response.json(session("S"));
    await new SessionKeeper("./", () => "one").token();
    await new SessionKeeper("./", () => "two").token();
    expect(calls).toHaveLength(2);
    expect(nonces()[0]).toMatch(/^[\w-]{16,64}$/);
    expect(nonces()[1]).toBe(nonces()[0]);
  });

  test("one that is about to end is not used", async () => {
    handler = () => Response.json(session("S", Date.now() / 1000 + 5));
    const keeper = new SessionKeeper("./", () => "data");
    await keeper.token();
    await keeper.token();
    expect(calls).toHaveLength(2);
  });

  test("outside of Telegram there is nothing to log in with", async () => {
    await expect(new SessionKeeper("./", () => undefined).token()).rejects.toThrow(ApiError);
  });
});
