import "fake-indexeddb/auto";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatEvent } from "../src/api/client";
import { ApiError, offline } from "../src/api/errors";
import type { ChatRequest } from "../src/api/types";
import { ChatEngine, type Outcome } from "../src/chat/engine";
import { History } from "../src/history/db";
import { account, facts } from "./helpers";

type Script = (request: ChatRequest, signal: AbortSignal) => AsyncGenerator<ChatEvent>;

let number = 0;
let history: History;
let script: Script;
let asked: ChatRequest[];
let outcomes: Outcome[];

function engine(): ChatEngine {
  const api = {
    chat: (request: ChatRequest, signal: AbortSignal) => {
      asked.push(request);
      return script(request, signal);
    },
    facts: async (id: string) => facts(id, "stopped"),
  };
  return new ChatEngine({
    setting: () => ({
      api,
      history,
      me: account(),
      model: "m",
      priceClass: "standard",
      system: "",
    }),
    ended: (outcome) => outcomes.push(outcome),
  });
}

async function* answer(request: ChatRequest): AsyncGenerator<ChatEvent> {
  yield { kind: "delta", text: "Hel" };
  yield { kind: "delta", text: "lo" };
  yield { kind: "done", facts: facts(request.id) };
}

async function* broken(): AsyncGenerator<ChatEvent> {
  yield { kind: "delta", text: "Hel" };
  throw offline();
}

beforeEach(async () => {
  number += 1;
  history = await History.open(`test-${number}`);
  asked = [];
  outcomes = [];
  script = answer;
});

describe("a conversation", () => {
  test("is asked, answered and found again", async () => {
    const chat = engine();
    await chat.ask("Question?");
    expect(chat.messages.value.map((item) => item.text)).toEqual(["Question?", "Hello"]);
    expect(outcomes).toEqual(["done"]);
    const later = engine();
    await later.load();
    expect(later.conversation.value?.title).toBe("Question?");
    expect(later.messages.value.at(-1)).toMatchObject({
      text: "Hello",
      state: "done",
      facts: { charged_nano: 6 },
    });
  });

  test("goes on with what was said", async () => {
    const chat = engine();
    await chat.ask("One");
    await chat.ask("Two");
    expect(asked[1]?.messages.map((item) => item.content)).toEqual(["One", "Hello", "Two"]);
    expect(asked[0]?.id).not.toBe(asked[1]?.id);
    expect(asked[0]?.id.length).toBeGreaterThanOrEqual(22);
  });

  test("is deleted, exported and cleared", async () => {
    const chat = engine();
    await chat.ask("One");
    chat.fresh();
    await chat.ask("Two");
    expect((await history.export()).conversations).toHaveLength(2);
    await chat.remove(chat.conversations.value[0]?.id ?? "");
    expect(chat.isEmpty.value).toBe(true);
    expect((await history.export()).conversations.map((item) => item.title)).toEqual(["One"]);
    await chat.clear();
    expect((await history.export()).conversations).toEqual([]);
  });
});

describe("a retry", () => {
  test("of a lost answer has the same name, so that it is charged once", async () => {
    const chat = engine();
    script = broken;
    await chat.ask("Question?");
    const lost = chat.messages.value.at(-1);
    expect(lost).toMatchObject({ state: "lost", text: "Hel" });
    script = answer;
    await chat.retry(lost?.id ?? "");
    expect(asked[1]?.id).toBe(asked[0]?.id);
    expect(asked[1]?.messages).toEqual(asked[0]?.messages);
    expect(chat.messages.value.map((item) => item.text)).toEqual(["Question?", "Hello"]);
  });

  test("of a complete answer is a new one", async () => {
    const chat = engine();
    await chat.ask("Question?");
    await chat.retry(chat.messages.value.at(-1)?.id ?? "");
    expect(asked[1]?.id).not.toBe(asked[0]?.id);
  });

  test("of one that was charged asks first", async () => {
    const chat = engine();
    // biome-ignore lint/correctness/useYield: it fails before the first piece
    script = async function* () {
      throw new ApiError({ code: "answered" });
    };
    await chat.ask("Question?");
    const answered = chat.messages.value.at(-1);
    expect(answered).toMatchObject({ state: "failed", error: { code: "answered" } });
    script = answer;
    await chat.retry(answered?.id ?? "", true);
    expect(asked[1]?.id).not.toBe(asked[0]?.id);
  });

  test("of an earlier answer drops what came after it, on the device too", async () => {
    const chat = engine();
    await chat.ask("One");
    const first = chat.messages.value[1]?.id ?? "";
    await chat.ask("Two");
    await chat.retry(first, true);
    expect(chat.messages.value).toHaveLength(2);
    expect(await history.messages(chat.conversation.value?.id ?? "")).toHaveLength(2);
  });
});

describe("one at a time", () => {
  test("a second question waits for nobody: it is not asked", async () => {
    const chat = engine();
    const first = chat.ask("One");
    const second = chat.ask("Two");
    await Promise.all([first, second]);
    expect(asked).toHaveLength(1);
    expect(chat.messages.value).toHaveLength(2);
  });

  test("switching at once asks with the words of its own conversation", async () => {
    const chat = engine();
    await chat.ask("Old");
    const old = chat.conversation.value?.id ?? "";
    chat.fresh();
    const asking = chat.ask("New");
    await chat.open(old);
    await asking;
    for (const request of asked.slice(1))
      expect(request.messages.map((item) => item.content)).toEqual(["New"]);
  });
});

describe("stopping", () => {
  test("keeps what came, and learns what it cost", async () => {
    const chat = engine();
    script = async function* (_, signal) {
      yield { kind: "delta", text: "Begin" };
      await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    };
    const asking = chat.ask("Question?");
    await vi.waitFor(() => expect(chat.messages.value.at(-1)?.text).toBe("Begin"));
    expect(chat.running.value).not.toBeNull();
    chat.stop();
    await asking;
    expect(chat.running.value).toBeNull();
    expect(chat.messages.value.at(-1)).toMatchObject({
      state: "stopped",
      text: "Begin",
      facts: { finish: "stopped" },
    });
    expect(outcomes).toEqual(["stopped", "settled"]);
  });

  test("by opening another conversation loses nothing", async () => {
    const chat = engine();
    await chat.ask("One");
    const other = chat.conversation.value?.id ?? "";
    chat.fresh();
    script = async function* (_, signal) {
      yield { kind: "delta", text: "Begin" };
      await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      });
    };
    const asking = chat.ask("Two");
    await vi.waitFor(() => expect(chat.messages.value.at(-1)?.text).toBe("Begin"));
    const stopped = chat.conversation.value?.id ?? "";
    await chat.open(other);
    await asking;
    expect(chat.messages.value.at(-1)?.text).toBe("Hello");
    expect((await history.messages(stopped)).at(-1)).toMatchObject({
      state: "stopped",
      text: "Begin",
    });
  });

  test("by closing the app leaves a lost answer that can be retried", async () => {
    const chat = engine();
    script = async function* () {
      yield { kind: "delta", text: "Begin" };
      await new Promise(() => undefined);
    };
    void chat.ask("Question?");
    await vi.waitFor(() => expect(chat.messages.value.at(-1)?.text).toBe("Begin"));
    await vi.waitFor(async () => expect(await history.conversations()).toHaveLength(1));
    const later = engine();
    await later.load();
    expect(later.messages.value.at(-1)?.state).toBe("lost");
  });
});
