import { expect, test } from "vitest";
import { contextOf, cutOf, titleOf } from "../src/chat/context";
import { Announcer } from "../src/chat/speech";
import type { StoredMessage } from "../src/history/db";
import { limits } from "./helpers";

function message(role: "user" | "assistant", text: string, rest: object = {}): StoredMessage {
  return { id: text, conversation: "c", at: 0, role, text, images: [], state: "done", ...rest };
}

test("the newest end that fits, beginning with a question", () => {
  const all = [
    message("user", "a".repeat(50)),
    message("assistant", "b".repeat(30)),
    message("user", "c".repeat(30)),
  ];
  expect(contextOf(all, limits({ prompt_chars: 100 }), "").map((item) => item.role)).toEqual([
    "user",
  ]);
  expect(contextOf(all, limits({ prompt_chars: 200 }), "")).toHaveLength(3);
  expect(contextOf(all, limits({ prompt_chars: 200 }), "s".repeat(150))).toHaveLength(1);
  expect(contextOf(all, limits({ messages: 1 }), "")).toHaveLength(1);
});

test("from where on a long conversation is sent", () => {
  const all = [
    message("user", "a".repeat(50)),
    message("assistant", "b".repeat(30)),
    message("user", "c".repeat(30)),
    message("assistant", "d".repeat(30)),
  ];
  expect(cutOf(all, limits({ prompt_chars: 200 }), "")).toBeNull();
  expect(cutOf(all, limits({ prompt_chars: 100 }), "")).toBe("c".repeat(30));
  expect(cutOf(all, limits({ messages: 1 }), "")).toBe("c".repeat(30));
  expect(cutOf([], limits(), "")).toBeNull();
  const failed = [message("user", "x"), message("assistant", "", { state: "failed" }), ...all];
  expect(cutOf(failed, limits({ prompt_chars: 200 }), "")).toBeNull();
});

test("questions without an answer are left out, and pictures that are old", () => {
  const all = [
    message("user", "lost", { images: ["data:image/jpeg;base64,AA"] }),
    message("assistant", "", { state: "failed" }),
    message("user", "now", { images: ["data:image/jpeg;base64,BB"] }),
  ];
  expect(contextOf(all, limits(), "")).toEqual([
    { role: "user", content: "now", images: ["data:image/jpeg;base64,BB"] },
  ]);
});

test("titles are short and whole letters", () => {
  expect(titleOf("  one\ntwo")).toBe("one");
  expect([...titleOf("😀".repeat(100))]).toHaveLength(60);
});

test("an answer is said in sentences, not too often, and to its end", () => {
  const announcer = new Announcer();
  expect(announcer.next("Hello", 0, false)).toBe("");
  expect(announcer.next("Hello **you**. And", 10, false)).toBe("Hello you .");
  expect(announcer.next("Hello **you**. And more. Now", 20, false)).toBe("");
  expect(announcer.next("Hello **you**. And more. Now", 5000, false)).toBe("And more.");
  expect(announcer.next("Hello **you**. And more. Now end", 5001, true)).toBe("Now end");
});
