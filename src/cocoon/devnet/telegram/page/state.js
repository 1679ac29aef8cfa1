// What the page knows. Frames change it; whoever draws subscribes.

export const state = {
  me: null,
  people: [],
  bot: null,
  chats: new Map(),
  app: null,
  wallet: false,
  chat: null,
  thread: null,
  replyTo: null,
  picked: null,
  online: true,
};

const watchers = [];
export const watch = (watcher) => watchers.push(watcher);
export const tell = (what, detail = {}) => watchers.forEach((watcher) => watcher(what, detail));

function chatFrom(raw) {
  const old = state.chats.get(raw.id);
  return {
    ...raw,
    messages: new Map((raw.messages || []).map((message) => [message.message_id, message])),
    drafts: new Map((raw.drafts || []).map((draft) => [threadKey(draft.message_thread_id), draft])),
    unread: old ? old.unread : 0,
    actions: old ? old.actions : new Map(),
  };
}

export const threadKey = (thread) => thread || 0;
export const here = () => state.chats.get(state.chat);

/** The thread that a message is in; 0 outside of topics. */
export const threadOf = (message) => (message.is_topic_message ? threadKey(message.message_thread_id) : 0);

/** Messages of the shown chat and topic, oldest first. */
export function shownMessages() {
  const chat = here();
  if (!chat) return [];
  const all = [...chat.messages.values()].sort((a, b) => a.message_id - b.message_id);
  return chat.forum ? all.filter((message) => threadOf(message) === threadKey(state.thread)) : all;
}

const FRAMES = {
  state(frame) {
    Object.assign(state, { me: frame.me, people: frame.people, bot: frame.bot, app: frame.app, wallet: frame.wallet });
    state.chats = new Map(frame.chats.map((chat) => [chat.id, chatFrom(chat)]));
    if (!state.chats.has(state.chat)) state.chat = frame.chats.length ? frame.chats[0].id : null;
    tell("all");
  },
  message(frame) {
    const chat = state.chats.get(frame.chat);
    if (!chat) return;
    const isNew = !chat.messages.has(frame.message.message_id);
    chat.messages.set(frame.message.message_id, frame.message);
    chat.actions.clear();
    const mine = frame.message.from && frame.message.from.id === state.me.id;
    if (isNew && !mine && frame.chat !== state.chat) chat.unread += 1;
    tell("message", { chat: frame.chat, message: frame.message, isNew });
  },
  force_reply(frame) {
    const chat = state.chats.get(frame.chat);
    const message = chat && chat.messages.get(frame.message_id);
    if (message) tell("force_reply", { chat: frame.chat, message, placeholder: frame.placeholder });
  },
  deleted(frame) {
    const chat = state.chats.get(frame.chat);
    if (!chat) return;
    frame.ids.forEach((id) => chat.messages.delete(id));
    tell("deleted", frame);
  },
  draft(frame) {
    const chat = state.chats.get(frame.chat);
    if (!chat) return;
    chat.drafts.set(threadKey(frame.draft.message_thread_id), frame.draft);
    chat.actions.clear();
    tell("draft", frame);
  },
  drafts(frame) {
    const chat = state.chats.get(frame.chat);
    if (!chat) return;
    chat.drafts = new Map(frame.drafts.map((draft) => [threadKey(draft.message_thread_id), draft]));
    tell("draft", frame);
  },
  chat(frame) {
    state.chats.set(frame.chat.id, chatFrom(frame.chat));
    tell("all");
  },
  bot(frame) { state.bot = frame.bot; state.app = frame.app; tell("bot"); },
  me(frame) { state.me = frame.me; tell("me"); },
  action(frame) {
    const chat = state.chats.get(frame.chat);
    if (!chat) return;
    chat.actions.set(threadKey(frame.thread), { action: frame.action, until: Date.now() + 5000 });
    tell("action", frame);
  },
};

export function apply(frame) {
  const change = FRAMES[frame.t];
  if (change) change(frame);
}
