import { computed, signal } from "@preact/signals";

export type Route =
  | { name: "chat" }
  | { name: "menu" }
  | { name: "trust" }
  | { name: "budget" }
  | { name: "topup" }
  | { name: "settings" }
  | { name: "receipt"; answer: string };

const stack = signal<readonly Route[]>([{ name: "chat" }]);

export const route = computed<Route>(() => stack.value[stack.value.length - 1] ?? { name: "chat" });
export const canGoBack = computed(() => stack.value.length > 1);

/** Show a screen above the one that is shown; a screen is in the stack once. */
export function go(next: Route): void {
  const kept = stack.value.filter((item) => item.name !== next.name);
  stack.value = next.name === "chat" ? [next] : [...kept, next];
}

const NAMED: Readonly<Record<string, Route>> = {
  chats: { name: "menu" },
  trust: { name: "trust" },
  privacy: { name: "trust" },
  budget: { name: "budget" },
  usage: { name: "budget" },
  topup: { name: "topup" },
  settings: { name: "settings" },
};

/** The screen that a link asks for: `?screen=…` of the page, or Telegram's start parameter. */
export function routeNamed(name: string | null): Route | null {
  return name !== null && Object.hasOwn(NAMED, name) ? (NAMED[name] ?? null) : null;
}

export function back(): void {
  if (stack.value.length > 1) stack.value = stack.value.slice(0, -1);
}
