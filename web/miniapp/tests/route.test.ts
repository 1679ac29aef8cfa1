import { expect, test } from "vitest";
import { back, canGoBack, go, route, routeNamed } from "../src/state/route";

test("screens lie above each other, each once, and the chat below all", () => {
  go({ name: "menu" });
  go({ name: "trust" });
  go({ name: "menu" });
  expect(route.value.name).toBe("menu");
  back();
  expect(route.value.name).toBe("trust");
  back();
  expect(route.value.name).toBe("chat");
  expect(canGoBack.value).toBe(false);
  back();
  expect(route.value.name).toBe("chat");
  go({ name: "budget" });
  go({ name: "chat" });
  expect(canGoBack.value).toBe(false);
});

test("links name screens, and nothing else", () => {
  expect(routeNamed("topup")).toEqual({ name: "topup" });
  expect(routeNamed("usage")).toEqual({ name: "budget" });
  for (const name of [null, "", "receipt", "constructor", "__proto__"])
    expect(routeNamed(name)).toBeNull();
});
