import "fake-indexeddb/auto";
import { beforeEach, expect, test } from "vitest";
import { ChatEngine } from "../src/chat/engine";
import { BOUNDS, History } from "../src/history/db";
import { account } from "./helpers";

let number = 0;
let history: History;

async function keep(id: string, updated: number, letters: number, picture = ""): Promise<void> {
  await history.saveConversation({ id, title: id, created: 0, updated, model: "m" });
  await history.saveMessages({
    id: `${id}-1`,
    conversation: id,
    at: updated,
    role: "user",
    text: "x".repeat(letters),
    images: picture ? [picture] : [],
    state: "done",
  });
}

async function kept(): Promise<string[]> {
  return (await history.conversations()).map((item) => item.id);
}

beforeEach(async () => {
  number += 1;
  history = await History.open(`bounds-${number}`);
});

test("the oldest conversations go first, with their messages", async () => {
  for (const age of [1, 2, 3, 4]) await keep(`c${age}`, age, 10);
  expect(await history.trim(null, { conversations: 2, bytes: 1000 })).toEqual(["c2", "c1"]);
  expect(await kept()).toEqual(["c4", "c3"]);
  expect(await history.messages("c1")).toEqual([]);
  expect(await history.trim(null, { conversations: 2, bytes: 1000 })).toEqual([]);
});

test("pictures and texts count, and the open conversation stays", async () => {
  await keep("old", 1, 10);
  await keep("mid", 2, 10, "p".repeat(500));
  await keep("new", 3, 10);
  expect(await history.trim("mid", { conversations: 9, bytes: 400 })).toEqual(["new", "old"]);
  expect(await kept()).toEqual(["mid"]);
});

test("a start brings a device within bounds", async () => {
  for (let age = 1; age <= BOUNDS.conversations + 3; age += 1) await keep(`c${age}`, age, 1);
  const setting = {
    api: { chat: async function* () {}, facts: async () => Promise.reject(new Error()) },
    history,
    me: account(),
    model: "m",
    priceClass: "standard",
    system: "",
  };
  const chat = new ChatEngine({ setting: () => setting, ended: () => undefined });
  await chat.load();
  expect(chat.conversations.value).toHaveLength(BOUNDS.conversations);
  expect(await kept()).toEqual(chat.conversations.value.map((item) => item.id));
  expect(chat.conversation.value?.id).toBe(`c${BOUNDS.conversations + 3}`);
});
