import { signal } from "@preact/signals";

const query = matchMedia("(min-width: 840px)");

/** Whether there is room for conversations beside the chat; the styles use the same width. */
export const wide = signal(query.matches);
query.addEventListener("change", () => {
  wide.value = query.matches;
});
