// Puts the parts together: frames change the state, the state is drawn.
import { byId, icon } from "./dom.js";
import { drawChats, drawMe, startChats } from "./chats.js";
import { askToBlock, drawFoot, reply, send, startComposer, writeInto } from "./composer.js";
import { act, listen } from "./net.js";
import { payMessage } from "./pay.js";
import { alertSheet, copyText, menu, toast } from "./sheets.js";
import { apply, here, state, tell, threadKey, threadOf, watch } from "./state.js";
import { botName, drawDraftOnly, drawHead, drawTalk, forgetDrawn, jumpTo, startTalk } from "./talk.js";
import { startThemes } from "./themes.js";
import { openView, openWebView } from "./webview.js";

const sorry = (error) => toast(error.message || String(error), 6);

const host = {
  toChat(start) {
    choose(state.me.id);
    if (start) act("send", { chat: state.me.id, text: `/start ${start}` }).catch(sorry);
  },
  write(text) { writeInto(text); },
  closed() {
    drawTalk({ toEnd: true });
    if (byId("text")) byId("text").focus();
  },
};

const openApp = (how) => openWebView(how, host);

function choose(chat) {
  if (state.chat !== chat) {
    Object.assign(state, { chat, thread: null, replyTo: null, picked: null });
    forgetDrawn();
  }
  const shown = here();
  if (shown) shown.unread = 0;
  byId("shell").classList.remove("list");
  tell("all", { toEnd: true });
  if (byId("text")) byId("text").focus({ preventScroll: true });
}

async function press(message, button, node) {
  node.classList.add("waiting");
  node.setAttribute("aria-busy", "true");
  try {
    const answer = await act("press", { chat: message.chat.id, message: message.message_id, data: button.callback_data });
    if (answer.url) window.open(answer.url, "_blank", "noopener,noreferrer");
    if (answer.text && answer.alert) await alertSheet(botName(), answer.text);
    else if (answer.text) toast(answer.text);
  } catch (error) {
    sorry(error);
  }
  node.classList.remove("waiting");
  node.removeAttribute("aria-busy");
}

function switchInline(query) {
  writeInto(`@${state.bot.username} ${query}`);
}

/** A button under a message (https://core.telegram.org/bots/api#inlinekeyboardbutton). */
function onKey(message, button, node) {
  if (button.pay) return payMessage(message).catch(sorry);
  if (button.web_app) return openApp({ kind: "button", url: button.web_app.url });
  if (button.copy_text) return copyText(button.copy_text.text);
  if (button.switch_inline_query !== undefined) return switchInline(button.switch_inline_query);
  if (button.switch_inline_query_current_chat !== undefined) return switchInline(button.switch_inline_query_current_chat);
  if (button.callback_data !== undefined) return press(message, button, node);
  return toast("The stand-in does not have this kind of button");
}

/** Links into Telegram are followed here: to the bot itself, with what the link carries. */
function onLink(event, url) {
  const found = url.match(new RegExp(`^(?:https?://t\\.me/|tg://resolve\\?domain=)${state.bot.username}(?:[?&](start|startapp)=([\\w-]*))?`, "i"));
  if (!found) return;
  event.preventDefault();
  if (found[1] === "startapp" && state.app) openApp({ kind: "main", start: found[2] || "" });
  else host.toChat(found[2] || "");
}

function more(message, anchor) {
  const text = message.text || message.caption;
  menu(anchor, [
    ["reply", "Reply", () => reply(message)],
    text && ["copy", "Copy text", () => copyText(text)],
    ["pick", "Choose to forward", () => pickFrom(message)],
  ]);
}

function pickFrom(message) {
  state.picked = new Set([message.message_id]);
  tell("all");
  toast("Press more messages to choose them");
}

function pickOnClick(event) {
  if (!state.picked) return;
  const node = event.target.closest(".msg[id]");
  if (!node || event.target.closest("a, audio")) return;
  event.preventDefault();
  event.stopPropagation();
  const id = Number(node.id.slice(1));
  if (!state.picked.delete(id)) state.picked.add(id);
  tell("all");
}

const actions = {
  key: onKey,
  link: onLink,
  more,
  copy: copyText,
  jump: jumpTo,
  command: (text) => send(text).catch(sorry),
  stop: (draft) => act("stop", { chat: state.chat, thread: draft.message_thread_id }).catch(sorry),
};

function talkMenu(event) {
  const chat = here();
  const own = chat && chat.type === "private";
  menu(event.currentTarget, [
    state.app && ["app", "Open the Mini App", () => openApp({ kind: "main" })],
    ["star", "Get 1000 pretend Stars", () => act("stars", { amount: 1000 }).catch(sorry)],
    own && !state.me.blocked && ["ban", "Block the bot", askToBlock, "danger"],
    own && state.me.blocked && ["pick", "Unblock the bot", () => act("block", { blocked: false }).catch(sorry)],
  ]);
}

function drawAll(detail) {
  drawChats(choose);
  drawMe();
  drawHead();
  drawFoot();
  drawTalk({ toEnd: detail.toEnd });
}

const DRAW = {
  all: drawAll,
  message(detail) {
    drawChats(choose);
    drawHead();
    if (detail.chat !== state.chat) return;
    const mine = detail.message.from && detail.message.from.id === state.me.id;
    const elsewhere = here().forum && threadOf(detail.message) !== threadKey(state.thread);
    drawTalk({ toEnd: mine && detail.isNew && !elsewhere });
    if (detail.message.reply_markup) drawFoot();
  },
  force_reply(detail) {
    if (detail.chat !== state.chat) return;
    reply(detail.message, detail.placeholder);
  },
  deleted(detail) {
    drawChats(choose);
    if (detail.chat === state.chat) drawTalk();
  },
  draft(detail) { if (detail.chat === state.chat) drawDraftOnly(); drawHead(); },
  action() { drawHead(); },
  bot() { drawHead(); drawFoot(); },
  me() { drawMe(); drawFoot(); },
  sent() { drawTalk({ toEnd: true }); },
};

function start() {
  byId("to-list").append(icon("back"));
  byId("talk-menu").append(icon("dots"));
  byId("to-end").append(icon("down"));
  startThemes();
  startChats();
  startComposer((url) => openApp({ kind: "menu", url }));
  startTalk(actions);
  byId("messages").addEventListener("click", pickOnClick, true);
  byId("to-list").addEventListener("click", () => byId("shell").classList.add("list"));
  byId("talk-menu").addEventListener("click", talkMenu);
  byId("open-app").addEventListener("click", () => openApp({ kind: "main" }));
  watch((what, detail) => DRAW[what](detail));
  listen(apply, (online) => {
    state.online = online;
    if (state.me) drawHead();
  });
  window.standIn = { state, bridgeLog: () => (openView() ? openView().bridge.log : []) };
}

start();
