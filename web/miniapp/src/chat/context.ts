import type { ChatMessage, Limits } from "../api/types";
import type { StoredMessage } from "../history/db";

/** Share of the service's limit that a conversation may fill, so that counting differently helps nobody. */
const FILL = 0.95;

/**
 * What of a conversation is sent: as much of its newest end as the service takes.
 *
 * Answers that failed are left out, and so is the question before them. Pictures go with the last
 * message only, as the service sends no others on.
 */
export function contextOf(
  messages: readonly StoredMessage[],
  limits: Limits,
  system: string,
): ChatMessage[] {
  return fitting(usable(messages), limits, system).map((message, index, all) => ({
    role: message.role,
    content: message.text,
    ...(index === all.length - 1 && message.images.length > 0 && { images: message.images }),
  }));
}

/**
 * The message from which on the conversation went along with the newest question; null where all of it did.
 */
export function cutOf(
  messages: readonly StoredMessage[],
  limits: Limits,
  system: string,
): string | null {
  const last = messages.findLastIndex((message) => message.role === "user");
  const asked = usable(messages.slice(0, last + 1));
  const first = fitting(asked, limits, system)[0];
  return first && first !== asked[0] ? first.id : null;
}

function fitting(
  messages: readonly StoredMessage[],
  limits: Limits,
  system: string,
): StoredMessage[] {
  let room = Math.floor(limits.prompt_chars * FILL) - [...system].length;
  const chosen: StoredMessage[] = [];
  for (const message of [...messages].reverse()) {
    room -= [...message.text].length;
    if (chosen.length > 0 && (room < 0 || chosen.length >= limits.messages)) break;
    chosen.unshift(message);
  }
  while (chosen.length > 1 && chosen[0]?.role === "assistant") chosen.shift();
  return chosen;
}

function usable(messages: readonly StoredMessage[]): StoredMessage[] {
  return messages.filter((message, index) => {
    if (message.role === "assistant") return message.text !== "";
    const next = messages[index + 1];
    return !next || next.role === "user" || next.text !== "";
  });
}

/** The title of a conversation: the beginning of its first question. */
export function titleOf(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  const letters = [...line];
  return letters.length > 60 ? `${letters.slice(0, 59).join("").trimEnd()}…` : line;
}
