import { describe, expect, test } from "vitest";
import { formatTon, parseTon } from "../src/lib/money";

describe("formatTon", () => {
  test.each([
    [0, "0"],
    [1, "0.000000001"],
    [89_430, "0.00008943"],
    [500_700_000, "0.5007"],
    [50_000_000, "0.05"],
    [1_284_000_000, "1.28"],
    [1_000_000_000_000, "1,000"],
  ])("%d nanoTON is %s TON", (nano, text) => {
    expect(formatTon(nano, "en")).toBe(text);
  });

  test("exact amounts keep every digit", () => {
    expect(formatTon(1_234_567_891, "en", "exact")).toBe("1.234567891");
    expect(formatTon(1_500_000_000, "ru", "exact")).toBe("1,5");
  });
});

describe("parseTon", () => {
  test.each([
    ["0.1", 100_000_000],
    ["0,1", 100_000_000],
    [" 2 ", 2_000_000_000],
    [".5", 500_000_000],
    ["1.", 1_000_000_000],
    ["0.000000001", 1],
    ["0.1234567891", null],
    ["0", null],
    ["", null],
    [".", null],
    ["-1", null],
    ["1e3", null],
    ["99999999", null],
  ])("%j is %s", (text, nano) => {
    expect(parseTon(text)).toBe(nano);
  });
});
