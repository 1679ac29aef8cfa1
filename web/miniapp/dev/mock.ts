import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin, PreviewServer, ViteDevServer } from "vite";
import * as data from "./data.ts";

/** The policy that the real server sends with the app's files. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: https:; " +
  "font-src 'self'; connect-src 'self' https:; worker-src 'self'; base-uri 'none'; form-action 'none'";
const PIECE_PAUSE = 30;

function send(response: ServerResponse, body: unknown, status: number = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, error: object): void {
  const none = { message: "", action: null, retry_after: null, missing_nano: null };
  send(response, { error: { ...none, ...error } }, status);
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString() || "{}") as Record<string, unknown>;
}

const asked = new Map<string, string>();

/** An answer in pieces; the words of the question choose what goes wrong. */
async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const question = await body(request);
  const messages = question.messages as Array<{ content: string }>;
  const text = messages.at(-1)?.content ?? "";
  const id = String(question.id);
  if (/poor/.test(text))
    return refuse(response, 402, {
      code: "insufficient_funds",
      action: "topup",
      missing_nano: 12_000_000,
    });
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const event = (name: string, value: object) =>
    response.write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  response.write(": waiting\n\n");
  const again = asked.has(id);
  asked.set(id, text);
  for (const word of data.ANSWER.match(/\s*\S+\s?/g) ?? []) {
    if (response.destroyed) return;
    event("delta", { text: word });
    await new Promise((resolve) => setTimeout(resolve, PIECE_PAUSE));
    if (/break/.test(text) && !again) return void response.destroy();
  }
  event("done", { ...data.facts, id });
  response.end();
}

async function order(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const wanted = await body(request);
  const common = { id: "T3", state: "open", created: 1_795_390_000, refundable: false };
  if (wanted.method === "ton") {
    const ton = { ...data.transfer, amount: String(wanted.nano) };
    return send(response, {
      ...common,
      method: "ton",
      nano: wanted.nano,
      stars: 0,
      ton,
      invoice_link: null,
    });
  }
  const nano = Number(wanted.stars) * data.me.nano_per_star;
  const link = "https://t.me/$dev";
  send(response, {
    ...common,
    method: "stars",
    nano,
    stars: wanted.stars,
    ton: null,
    invoice_link: link,
  });
}

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown;

const routes: Record<string, Handler> = {
  "GET /config.json": (_, response) => send(response, data.config),
  "GET /tonconnect-manifest.json": (_, response) =>
    send(response, {
      url: "http://localhost",
      name: "Cocoon",
      iconUrl: "http://localhost/icon.png",
    }),
  "POST /api/session": (_, response) => send(response, data.session),
  "GET /api/me": (_, response) => send(response, data.me),
  "GET /api/models": (_, response) => send(response, data.models),
  "POST /api/chat": chat,
  "GET /api/trust": (_, response) => send(response, data.trust),
  "GET /api/usage": (_, response, url) =>
    send(response, data.usage(Number(url.searchParams.get("days") ?? 30))),
  "GET /api/ledger": (_, response) => response.end("at,kind,nano\n"),
  "GET /api/topups": (_, response) => send(response, { topups: data.topups }),
  "POST /api/topups": order,
  "DELETE /api/me/data": (_, response) => send(response, {}),
};

const handle: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  const route = routes[`${request.method} ${url.pathname}`];
  if (route) return void route(request, response, url);
  if (url.pathname.startsWith("/api/answers/"))
    return send(response, { ...data.facts, id: url.pathname.split("/").at(-1) });
  if (url.pathname.startsWith("/api/topups/"))
    return send(response, { ...data.topups[1], id: "T3", state: "open" });
  if (url.pathname.startsWith("/api/")) return refuse(response, 404, { code: "not_found" });
  next();
};

/** A pretended service for `npm run dev` and `npm run preview`. */
export function mockService(): Plugin {
  const install = (server: ViteDevServer | PreviewServer) => {
    server.middlewares.use(handle);
  };
  const preview = (server: PreviewServer) => {
    server.middlewares.use((_request, response, next) => {
      response.setHeader("Content-Security-Policy", POLICY);
      next();
    });
    install(server);
  };
  return { name: "mock-service", configureServer: install, configurePreviewServer: preview };
}
