import { describe, expect, test } from "vitest";
import { EventParser, MAX_EVENT_CHARS } from "../src/api/sse";

const STREAM =
  ': hello\n\nevent: delta\ndata: {"text":"a"}\n\nevent: delta\r\ndata: one\r\ndata: two\r\n\r\ndata:x\n\n';
const EXPECTED = [
  { event: "delta", data: '{"text":"a"}' },
  { event: "delta", data: "one\ntwo" },
  { event: "message", data: "x" },
];

describe("EventParser", () => {
  test("takes a stream apart however it was cut", () => {
    for (let size = 1; size < STREAM.length; size++) {
      const parser = new EventParser();
      const events = [];
      for (let at = 0; at < STREAM.length; at += size)
        events.push(...parser.push(STREAM.slice(at, at + size)));
      expect(events).toEqual(EXPECTED);
    }
  });

  test("an unfinished event is none", () => {
    expect(new EventParser().push("event: done\ndata: {}\n")).toEqual([]);
  });

  test("refuses what never ends", () => {
    const parser = new EventParser();
    expect(() => parser.push(`data: ${"x".repeat(MAX_EVENT_CHARS)}`)).toThrow(RangeError);
  });
});
