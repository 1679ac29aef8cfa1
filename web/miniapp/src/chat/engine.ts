import { computed, signal } from "@preact/signals";
import type { Api } from "../api/client";
import { ApiError, asApiError, isAbort } from "../api/errors";
import type { ChatRequest, Facts, Me } from "../api/types";
import type { Conversation, History, StoredMessage } from "../history/db";
import { pause } from "../lib/device";
import { randomId } from "../lib/random";
import { contextOf, titleOf } from "./context";

/** A running answer is written to the device this often, in milliseconds. */
const SAVE_EVERY = 1000;
/** Pauses before the facts of a stopped answer are asked for; it takes a moment to settle. */
const FACTS_PAUSES = [400, 1000, 2500, 5000];

/** How an answer ended; `settled`: what a stopped answer cost is known now. */
export type Outcome = "done" | "stopped" | "failed" | "settled";

/** What the engine needs to know of the rest of the app when a question is asked. */
export interface Setting {
  api: Pick<Api, "chat" | "facts">;
  history: History | null;
  me: Me;
  model: string;
  priceClass: string;
  system: string;
}

export interface Hooks {
  setting(): Setting;
  /** An answer has ended: money has moved. */
  ended(outcome: Outcome): void;
}

/** The conversation that is shown, and the one answer that may be running. */
export class ChatEngine {
  readonly conversation = signal<Conversation | null>(null);
  readonly messages = signal<readonly StoredMessage[]>([]);
  readonly conversations = signal<readonly Conversation[]>([]);
  readonly running = signal<string | null>(null);
  readonly isEmpty = computed(() => this.messages.value.length === 0);
  private abort: AbortController | null = null;
  /** The running answer as far as it came, also where another conversation is shown. */
  private latest: StoredMessage | null = null;
  private readonly hooks: Hooks;

  constructor(hooks: Hooks) {
    this.hooks = hooks;
  }

  /** Read the list of conversations, and show the newest one. */
  async load(): Promise<void> {
    await this.reload();
    const newest = this.conversations.value[0];
    if (newest) await this.open(newest.id);
    await this.trim();
  }

  async reload(): Promise<void> {
    const { history } = this.hooks.setting();
    if (history) this.conversations.value = await history.conversations();
  }

  /** Show a conversation; an answer that was running when the app was closed counts as lost. */
  async open(id: string): Promise<void> {
    if (id === this.conversation.value?.id) return;
    this.stop();
    const found = this.conversations.value.find((item) => item.id === id);
    if (!found) return;
    const stored = (await this.hooks.setting().history?.messages(id)) ?? [];
    this.conversation.value = found;
    this.messages.value = stored.map((item) =>
      item.state === "streaming" ? { ...item, state: "lost" } : item,
    );
  }

  /** Begin a new conversation; it is kept once something is asked. */
  fresh(): void {
    this.stop();
    this.conversation.value = null;
    this.messages.value = [];
  }

  async remove(id: string): Promise<void> {
    if (this.conversation.value?.id === id) this.fresh();
    await this.hooks.setting().history?.removeConversation(id);
    this.conversations.value = this.conversations.value.filter((item) => item.id !== id);
  }

  async clear(): Promise<void> {
    this.fresh();
    await this.hooks.setting().history?.clear();
    this.conversations.value = [];
  }

  /** Ask something; returns when the answer has ended. */
  async ask(text: string, images: string[] = []): Promise<void> {
    if (this.running.value) return;
    const conversation = this.begin(text);
    const at = Date.now();
    const question = message(conversation.id, at, { role: "user", text, images });
    const answer = message(conversation.id, at + 1, {
      role: "assistant",
      state: "streaming",
      answer: randomId(),
    });
    this.messages.value = [...this.messages.value, question, answer];
    await this.run(answer, this.save(question, answer));
  }

  /**
   * Ask again for an answer.
   *
   * One that was lost on the way keeps its name, so that the service charges it once; anything
   * else becomes a new answer in its place.
   *
   * @param anew give it a new name: the person agreed to pay for another answer.
   */
  async retry(id: string, anew: boolean = false): Promise<void> {
    const old = this.messages.value.find((item) => item.id === id);
    if (this.running.value || old?.role !== "assistant") return;
    const keeps = !anew && (old.state === "lost" || old.state === "failed");
    const { error: _error, facts: _facts, ...rest } = old;
    const answer: StoredMessage = {
      ...rest,
      text: "",
      state: "streaming",
      answer: keeps && old.answer ? old.answer : randomId(),
    };
    const index = this.messages.value.indexOf(old);
    const dropped = this.messages.value.slice(index + 1);
    this.messages.value = [...this.messages.value.slice(0, index), answer];
    await this.run(answer, this.save(answer), this.drop(dropped));
  }

  /** End the running answer; what was used until now is charged. */
  stop(): void {
    this.abort?.abort();
    this.abort = null;
  }

  private begin(text: string): Conversation {
    const now = Date.now();
    const known = this.conversation.value;
    const conversation = known
      ? { ...known, updated: now }
      : {
          id: randomId(),
          title: titleOf(text),
          created: now,
          updated: now,
          model: this.hooks.setting().model,
        };
    this.conversation.value = conversation;
    const others = this.conversations.value.filter((item) => item.id !== conversation.id);
    this.conversations.value = [conversation, ...others];
    this.hooks
      .setting()
      .history?.saveConversation(conversation)
      .catch(() => undefined);
    return conversation;
  }

  /** Stream an answer that is shown already, once it is on the device; one at a time. */
  private async run(answer: StoredMessage, ...kept: Promise<void>[]): Promise<void> {
    const abort = new AbortController();
    const request = this.request(answer);
    this.abort = abort;
    this.running.value = answer.id;
    this.latest = answer;
    let last = answer;
    let outcome: Outcome = "failed";
    try {
      await Promise.all(kept);
      last = await this.stream(answer, request, abort.signal);
      outcome = "done";
    } catch (error) {
      last = broken(this.latest ?? answer, error);
      outcome = isAbort(error) ? "stopped" : "failed";
    } finally {
      if (this.running.value === answer.id) this.running.value = null;
      if (this.abort === abort) this.abort = null;
    }
    this.replace(last);
    await this.save(last);
    this.hooks.ended(outcome);
    if (this.messages.value.length <= 2) await this.trim();
    if (outcome === "stopped" || last.error?.code === "answered") await this.readFacts(last);
  }

  private async stream(
    answer: StoredMessage,
    request: ChatRequest,
    signal: AbortSignal,
  ): Promise<StoredMessage> {
    let current = answer;
    let saved = Date.now();
    for await (const event of this.hooks.setting().api.chat(request, signal)) {
      if (event.kind === "error") throw event.error;
      if (event.kind === "done") return settled(current, event.facts);
      current = { ...current, text: current.text + event.text };
      this.latest = current;
      this.replace(current);
      if (Date.now() - saved > SAVE_EVERY) {
        saved = Date.now();
        void this.save(current);
      }
    }
    throw new ApiError({ code: "offline", action: "retry" });
  }

  private request(answer: StoredMessage): ChatRequest {
    const { me, model, priceClass, system } = this.hooks.setting();
    const index = this.messages.value.findIndex((item) => item.id === answer.id);
    const before = this.messages.value.slice(0, index);
    return {
      id: answer.answer ?? randomId(),
      messages: contextOf(before, me.limits, system),
      ...(model && { model }),
      ...(priceClass && { price_class: priceClass }),
      ...(system && { system }),
    };
  }

  private async readFacts(answer: StoredMessage): Promise<void> {
    for (const wait of FACTS_PAUSES) {
      await pause(wait);
      try {
        const facts = await this.hooks.setting().api.facts(answer.answer ?? "");
        const current = this.messages.value.find((item) => item.id === answer.id) ?? answer;
        if (current.answer !== answer.answer) return;
        const known = { ...current, facts };
        this.replace(known);
        await this.save(known);
        this.hooks.ended("settled");
        return;
      } catch (error) {
        if (asApiError(error).code !== "not_found") return;
      }
    }
  }

  private replace(changed: StoredMessage): void {
    this.messages.value = this.messages.value.map((item) =>
      item.id === changed.id ? changed : item,
    );
  }

  /** Keep the device's history within bounds; once for every start and new conversation. */
  private async trim(): Promise<void> {
    try {
      const open = this.conversation.value?.id ?? null;
      const gone = new Set(await this.hooks.setting().history?.trim(open));
      if (gone.size > 0)
        this.conversations.value = this.conversations.value.filter(({ id }) => !gone.has(id));
    } catch {
      // The next visit tries again.
    }
  }

  private async drop(messages: readonly StoredMessage[]): Promise<void> {
    try {
      await this.hooks.setting().history?.removeMessages(...messages.map((item) => item.id));
    } catch {
      // They come back with the next visit then.
    }
  }

  private async save(...messages: StoredMessage[]): Promise<void> {
    try {
      await this.hooks.setting().history?.saveMessages(...messages);
    } catch {
      // A full device keeps the conversation on the screen.
    }
  }
}

function broken(shown: StoredMessage, error: unknown): StoredMessage {
  if (isAbort(error)) return { ...shown, state: "stopped" };
  const { code, retryAfter, missing } = asApiError(error);
  const state = code === "offline" || code === "running" ? "lost" : "failed";
  return { ...shown, state, error: { code, retryAfter, missing } };
}

function settled(answer: StoredMessage, facts: Facts): StoredMessage {
  return { ...answer, state: facts.finish === "stopped" ? "stopped" : "done", facts };
}

function message(
  conversation: string,
  at: number,
  rest: Partial<StoredMessage> & Pick<StoredMessage, "role">,
): StoredMessage {
  return { id: randomId(), conversation, at, text: "", images: [], state: "done", ...rest };
}
