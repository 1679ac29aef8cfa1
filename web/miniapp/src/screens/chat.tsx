import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { chat, freshChat } from "../chat/chat";
import { t } from "../i18n";
import { config, model, modelsFailed, person, refreshModels } from "../state/app";
import { go } from "../state/route";
import { ChevronIcon, EyeIcon, Mark, MenuIcon, NewIcon } from "../ui/icons";
import { Composer } from "./composer";
import { Messages } from "./messages";
import { ModelSheet, noModel, priceOf } from "./models";

const SUGGESTIONS = [1, 2, 3] as const;

function Welcome({ onPick }: { onPick: (text: string) => void }): VNode {
  const name = person.value?.first_name;
  return (
    <div class="scroll welcome">
      <div class="column">
        <Mark />
        <h2>{name ? t("chat_hello", { name }) : t("chat_hello_nobody")}</h2>
        <p class="lead">{t("chat_lead")}</p>
        <ul class="suggestions">
          {SUGGESTIONS.map((index) => (
            <li key={index}>
              <button type="button" onClick={() => onPick(t(`chat_suggestion_${index}_text`))}>
                {t(`chat_suggestion_${index}`)}
              </button>
            </li>
          ))}
        </ul>
        <p class="reads">
          <EyeIcon />
          <span>
            {t("chat_reads")}{" "}
            <button type="button" class="link" onClick={() => go({ name: "trust" })}>
              {t("chat_reads_more")}
            </button>
          </span>
        </p>
      </div>
    </div>
  );
}

function Header(): VNode {
  const [picking, setPicking] = useState(false);
  const chosen = model.value;
  return (
    <header class="bar chat-bar">
      <button
        type="button"
        class="icon-button only-narrow"
        aria-label={t("menu")}
        onClick={() => go({ name: "menu" })}
      >
        <MenuIcon />
      </button>
      <h1 id="chat-title" class="visually-hidden" tabIndex={-1}>
        {chat.conversation.value?.title || config.value?.title}
      </h1>
      <button
        type="button"
        class="model-button"
        aria-haspopup="dialog"
        onClick={() => {
          if (modelsFailed.value) void refreshModels();
          setPicking(true);
        }}
      >
        <span class="visually-hidden">{t("model")}: </span>
        <strong>
          {chosen?.title ?? noModel()}
          <ChevronIcon />
        </strong>
        {chosen && <small>{priceOf(chosen)}</small>}
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={t("new_chat")}
        disabled={chat.isEmpty.value}
        onClick={() => {
          freshChat();
          focusTitle();
        }}
      >
        <NewIcon />
      </button>
      {picking && <ModelSheet onClose={() => setPicking(false)} />}
    </header>
  );
}

/** Whether another screen was shown before; only then does the chat take the focus. */
let seen = false;

function focusTitle(): void {
  document.getElementById("chat-title")?.focus({ preventScroll: true });
}

export function ChatScreen(): VNode {
  const [draft, setDraft] = useState<{ text: string } | null>(null);
  useEffect(() => {
    if (seen) focusTitle();
    seen = true;
    if (!chat.conversation.value && chat.conversations.value.length === 0) void chat.load();
  }, []);
  return (
    <main class="screen chat">
      <Header />
      {chat.isEmpty.value ? <Welcome onPick={(text) => setDraft({ text })} /> : <Messages />}
      <Composer draft={draft} />
    </main>
  );
}
