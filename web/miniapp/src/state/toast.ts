import { signal } from "@preact/signals";

/** How long a short message stays, in milliseconds. */
const LIFE = 2600;

/** A short message at the bottom, also read to people who do not see it. */
export const toast = signal("");
let timer = 0;

export function say(text: string): void {
  window.clearTimeout(timer);
  toast.value = text;
  timer = window.setTimeout(() => {
    toast.value = "";
  }, LIFE);
}
