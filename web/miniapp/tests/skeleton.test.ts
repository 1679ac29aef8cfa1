import { expect, test } from "vitest";

test("numbers", () => expect(1).toBe(1));
