import { type Credentials, login } from "../api/client";
import { ApiError } from "../api/errors";
import type { Person, Session } from "../api/types";
import { randomId } from "../lib/random";
import { initData } from "../platform/telegram";

const SESSION = "cocoon-session";
const NONCE = "cocoon-nonce";
/** A session is renewed this many seconds before it ends. */
const MARGIN = 60;

interface Kept {
  session: Session;
  /** The initData that it came from: another one is another login, maybe another person. */
  origin: string;
}

function read(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Without storage a reload logs in again, which may then need the app to be opened again.
  }
}

/** The nonce of this web view: with it, and only with it, initData is taken a second time. */
function nonce(): string {
  const kept = read(NONCE);
  if (kept) return kept;
  const made = randomId(32);
  write(NONCE, made);
  return made;
}

/** The session of this web view: made with Telegram's initData, kept in `sessionStorage`. */
export class SessionKeeper implements Credentials {
  private session: Session | null = null;
  private running: Promise<Session> | null = null;
  private readonly base: string;
  private readonly data: () => string | undefined;

  constructor(base: string, data: () => string | undefined = initData) {
    this.base = base;
    this.data = data;
  }

  /** The person, and what the link carried; logs in where there is no session yet. */
  async opened(): Promise<{ user: Person; start: string }> {
    const { user, start_param } = await this.current();
    return { user, start: start_param };
  }

  async token(): Promise<string> {
    return (await this.current()).token;
  }

  async renew(): Promise<string> {
    this.session = null;
    write(SESSION, "");
    return (await this.login()).token;
  }

  private async current(): Promise<Session> {
    this.session ??= this.kept();
    if (this.session && this.session.expires > Date.now() / 1000 + MARGIN) return this.session;
    return await this.login();
  }

  private kept(): Session | null {
    try {
      const kept = JSON.parse(read(SESSION) || "null") as Kept | null;
      return kept?.origin === (this.data() ?? "") ? kept.session : null;
    } catch {
      return null;
    }
  }

  /** Log in once, however many calls wait for it. */
  private login(): Promise<Session> {
    this.running ??= this.start().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async start(): Promise<Session> {
    const data = this.data();
    if (!data) throw new ApiError({ code: "outside", action: "reopen" });
    this.session = await login(this.base, data, nonce());
    write(SESSION, JSON.stringify({ session: this.session, origin: data } satisfies Kept));
    return this.session;
  }
}
