import { computed } from "@preact/signals";
import type { Me } from "../api/types";
import { t } from "../i18n";
import { haptic } from "../platform/telegram";
import { api, history, me, model, priceClass, refreshMe } from "../state/app";
import { prefs } from "../state/prefs";
import { say } from "../state/toast";
import { cutOf } from "./context";
import { ChatEngine, type Outcome } from "./engine";

const NO_LIMITS: Me["limits"] = {
  prompt_chars: 4000,
  messages: 20,
  images: 0,
  image_bytes: 0,
  body_bytes: 0,
  max_tokens: 0,
};

function account(): Me {
  return me.value ?? ({ limits: NO_LIMITS } as Me);
}

function ended(outcome: Outcome): void {
  if (outcome === "done") haptic("success");
  if (outcome === "failed") haptic("error");
  void refreshMe();
}

/** The conversation of this web view. */
export const chat = new ChatEngine({
  setting: () => ({
    api,
    history: history.value,
    me: account(),
    model: model.value?.name ?? "",
    priceClass: priceClass.value,
    system: prefs.value.system.trim(),
  }),
  ended,
});

/** The first message that is still sent along, where earlier ones are not; null where all are. */
export const cut = computed(() =>
  cutOf(chat.messages.value, account().limits, prefs.value.system.trim()),
);

/** Begin a new conversation, and say so to people who do not see it. */
export function freshChat(): void {
  chat.fresh();
  haptic("select");
  say(t("new_chat"));
}
