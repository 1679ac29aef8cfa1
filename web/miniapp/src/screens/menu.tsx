import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { chat, freshChat } from "../chat/chat";
import type { Conversation } from "../history/db";
import { t } from "../i18n";
import { me, spendable } from "../state/app";
import { go, type Route, route } from "../state/route";
import { Confirm } from "../ui/dialog";
import { ton } from "../ui/format";
import { GearIcon, NewIcon, NextIcon, ShieldCheckIcon, TrashIcon, WalletIcon } from "../ui/icons";
import { Screen } from "../ui/screen";

const DAY = 24 * 3600 * 1000;

function group(updated: number): string {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (updated >= midnight) return t("today");
  return updated >= midnight - DAY ? t("yesterday") : t("earlier");
}

function Item({ item, onRemove }: { item: Conversation; onRemove: () => void }): VNode {
  const current = item.id === chat.conversation.value?.id;
  return (
    <li class="conversation">
      <button
        type="button"
        class="conversation-open"
        aria-current={current ? "true" : undefined}
        onClick={() => {
          go({ name: "chat" });
          void chat.open(item.id);
        }}
      >
        {item.title}
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={t("delete_chat", { title: item.title })}
        onClick={onRemove}
      >
        <TrashIcon />
      </button>
    </li>
  );
}

function Conversations(): VNode {
  const [removing, setRemoving] = useState<Conversation | null>(null);
  const groups = new Map<string, Conversation[]>();
  for (const item of chat.conversations.value) {
    const name = group(item.updated);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return (
    <>
      {groups.size === 0 && <p class="empty">{t("no_chats")}</p>}
      {[...groups].map(([name, items]) => (
        <section key={name} class="section">
          <h2>{name}</h2>
          <ul class="conversations">
            {items.map((item) => (
              <Item key={item.id} item={item} onRemove={() => setRemoving(item)} />
            ))}
          </ul>
        </section>
      ))}
      {removing && (
        <Confirm
          title={t("delete_chat_title")}
          text={t("delete_chat_text")}
          action={t("delete")}
          danger
          onDone={(yes) => {
            setRemoving(null);
            if (yes) void chat.remove(removing.id);
          }}
        />
      )}
    </>
  );
}

function Places(): VNode {
  const here = route.value.name;
  const places: Array<[Route, () => VNode, string, string]> = [
    [{ name: "budget" }, WalletIcon, t("budget"), me.value ? ton(spendable.value) : ""],
    [{ name: "trust" }, ShieldCheckIcon, t("trust"), ""],
    [{ name: "settings" }, GearIcon, t("settings"), ""],
  ];
  return (
    <nav class="places" aria-label={t("menu")}>
      {places.map(([to, Icon, name, value]) => (
        <button
          type="button"
          key={to.name}
          aria-current={here === to.name ? "page" : undefined}
          onClick={() => go(to)}
        >
          <Icon />
          <span>{name}</span>
          <span class="value">{value}</span>
          <NextIcon />
        </button>
      ))}
    </nav>
  );
}

function NewChat(): VNode {
  return (
    <button
      type="button"
      class="secondary new-chat"
      onClick={() => {
        freshChat();
        go({ name: "chat" });
      }}
    >
      <NewIcon />
      {t("new_chat")}
    </button>
  );
}

/** Conversations and the way to everything else, on a narrow screen. */
export function MenuScreen(): VNode {
  return (
    <Screen title={t("menu_title")}>
      <NewChat />
      <Places />
      <Conversations />
    </Screen>
  );
}

/** The same beside the chat, where there is room. */
export function Sidebar(): VNode {
  return (
    <aside class="sidebar" aria-label={t("menu_title")}>
      <NewChat />
      <div class="scroll">
        <Conversations />
      </div>
      <Places />
    </aside>
  );
}
