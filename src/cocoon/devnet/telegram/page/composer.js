// The place to write: text, commands, files, voice, answers to a message, forwarding.
import { byId, el, iconButton } from "./dom.js";
import { act, upload } from "./net.js";
import { confirmSheet, menu, toast } from "./sheets.js";
import { here, shownMessages, state, tell } from "./state.js";
import { summary } from "./message.js";
import { botName } from "./talk.js";
import { Suggestions } from "./suggest.js";

let openApp = null;
let field = null;
let suggestions = null;
let chosenFile = null;
let replyWords = "";
let recorder = null;

const sorry = (error) => toast(error.message || String(error), 6);
const target = () => ({ chat: state.chat, thread: state.thread, reply_to: state.replyTo && state.replyTo.message_id });

function fit() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 168)}px`;
}

function clear() {
  field.value = "";
  state.replyTo = null;
  chosenFile = null;
  suggestions.close();
  drawFoot();
  field.focus();
}

/** Send what is written, with the chosen file where there is one. */
export async function send(text = field.value) {
  const words = text.trim();
  if (!words && !chosenFile) return;
  const file = chosenFile;
  const where = target();
  clear();
  try {
    if (file) await upload(file.kind, file.blob, { ...where, caption: words, seconds: file.kind === "voice" ? await lengthOf(file.blob) : null });
    else await act("send", { ...where, text: words });
  } catch (error) {
    if (!field.value) field.value = words;
    fit();
    sorry(error);
  }
  tell("sent");
}

function onKey(event) {
  if (suggestions.key(event)) {
    event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape" && state.replyTo) {
    state.replyTo = null;
    drawFoot();
  } else if (event.key === "ArrowUp" && !field.value) {
    const last = shownMessages().pop();
    if (last) reply(last);
  }
}

async function choose(item) {
  if (item.kind === "command") {
    field.value = "";
    await send(item.value);
    return;
  }
  field.value = "";
  fit();
  await act("choose", { ...target(), query: item.query, result: item.value }).catch(sorry);
  tell("sent");
}

function pick(kind, accept) {
  const input = el("input", { type: "file", accept });
  input.addEventListener("change", () => {
    if (!input.files.length) return;
    chosenFile = { kind, blob: input.files[0] };
    drawFoot();
    field.focus();
  });
  input.click();
}

/** Seconds of an audio file, as far as the browser can tell. */
function lengthOf(blob) {
  return new Promise((resolve) => {
    const audio = new Audio(URL.createObjectURL(blob));
    const end = () => {
      URL.revokeObjectURL(audio.src);
      resolve(Number.isFinite(audio.duration) ? Math.max(1, Math.round(audio.duration)) : null);
    };
    audio.addEventListener("loadedmetadata", end);
    audio.addEventListener("error", end);
  });
}

async function record(button) {
  if (recorder) {
    recorder.stop();
    return;
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const parts = [];
    const begun = performance.now();
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", async () => {
      stream.getTracks().forEach((track) => track.stop());
      const blob = new Blob(parts, { type: recorder.mimeType });
      recorder = null;
      button.classList.remove("recording");
      const seconds = Math.max(1, Math.round((performance.now() - begun) / 1000));
      await upload("voice", blob, { ...target(), seconds }).catch(sorry);
    });
    recorder.start();
    button.classList.add("recording");
    toast("Recording: press again to send");
  } catch {
    toast("No microphone here: send an audio file instead");
    pick("voice", "audio/*");
  }
}

function attach(event) {
  menu(event.currentTarget, [
    ["file", "Photo", () => pick("photo", "image/*")],
    ["file", "Document", () => pick("document", "")],
    ["mic", "Audio file as a voice message", () => pick("voice", "audio/*")],
  ]);
}

/** Begin an answer to a message; the bot may have asked for it, with words for the empty field. */
export function reply(message, words = "") {
  state.replyTo = message;
  replyWords = words;
  drawFoot();
  field.focus();
}

function replyBar() {
  if (!state.replyTo) return null;
  const bar = el("div", { class: "reply-bar" }, el("span", {}, `Reply to: ${summary(state.replyTo).slice(0, 100)}`));
  bar.append(iconButton("close", "Do not reply", () => { state.replyTo = null; drawFoot(); }));
  return bar;
}

function fileBar() {
  if (!chosenFile) return null;
  const bar = el("div", { class: "file-bar" }, el("span", {}, `${chosenFile.kind}: ${chosenFile.blob.name}`));
  bar.append(iconButton("close", "Do not send the file", () => { chosenFile = null; drawFoot(); }));
  return bar;
}

function pickBar() {
  const count = state.picked.size;
  const stop = () => { state.picked = null; tell("all"); };
  const forward = async () => {
    const messages = [...state.picked].sort((a, b) => a - b);
    const from = state.chat;
    state.picked = null;
    tell("all");
    await act("forward", { chat: from, messages }).then(() => toast(`Forwarded to ${botName()}`), sorry);
  };
  return el(
    "div", { class: "foot-in" },
    el(
      "div", { class: "pick-bar" },
      el("span", {}, `${count} ${count === 1 ? "message" : "messages"} chosen`),
      el("button", { type: "button", class: "pill quiet", onclick: stop }, "Cancel"),
      el("button", { type: "button", class: "pill", disabled: count === 0, onclick: forward }, "Forward to the bot"),
    ),
  );
}

function blockedBar() {
  const unblock = () => act("block", { blocked: false }).catch(sorry);
  return el("div", { class: "foot-in gone" }, el("button", { type: "button", class: "pill", onclick: unblock }, "Unblock the bot"));
}

function startBar() {
  return el(
    "div", { class: "foot-in gone" },
    el("button", { type: "button", class: "pill", id: "start", onclick: () => act("send", { chat: state.chat, text: "/start" }).catch(sorry) }, "Start"),
  );
}

function replyKeys() {
  const holder = shownMessages().reverse().find((message) => message.reply_markup && (message.reply_markup.keyboard || message.reply_markup.remove_keyboard));
  const rows = holder && holder.reply_markup.keyboard;
  if (!rows) return null;
  const key = (one) => el("button", { type: "button", onclick: () => send(one.text || one) }, one.text || one);
  return el("div", { class: "reply-keys" }, rows.map((row) => el("div", {}, row.map(key))));
}

function bar() {
  const chat = here();
  const parts = [];
  const button = state.bot.menu_button;
  if (chat.type === "private" && button && button.type === "web_app") {
    parts.push(el("button", { type: "button", class: "menu-button", onclick: () => openApp(button.web_app.url) }, button.text));
  }
  parts.push(iconButton("clip", "Attach a file", attach, { "aria-haspopup": "menu" }), field);
  if ((state.bot.commands || []).length) {
    parts.push(iconButton("slash", "Commands of the bot", () => {
      field.value = "/";
      field.focus();
      suggestions.update("/");
    }));
  }
  const voice = iconButton("mic", "Record a voice message", (event) => record(event.currentTarget), { id: "voice" });
  const go = iconButton("send", "Send", () => send(), { class: "icon-button send", id: "send" });
  parts.push(voice, go);
  return el("div", { class: "bar" }, parts);
}

function writing() {
  const empty = !field.value.trim() && !chosenFile;
  const [voice, go] = [byId("voice"), byId("send")];
  if (voice) voice.hidden = !empty;
  if (go) go.hidden = empty;
}

export function drawFoot() {
  const foot = byId("foot");
  const chat = here();
  if (!chat) return;
  const kept = document.activeElement === field;
  if (state.picked) foot.replaceChildren(pickBar());
  else if (chat.type === "private" && state.me.blocked) foot.replaceChildren(blockedBar());
  else if (chat.type === "private" && !state.me.started) foot.replaceChildren(startBar());
  else {
    const parts = [suggestions.box, replyBar(), fileBar(), bar(), replyKeys()].filter(Boolean);
    foot.replaceChildren(el("div", { class: "foot-in" }, parts));
    const asked = state.replyTo && replyWords;
    field.placeholder = asked || (chat.type === "private" ? "Write to the bot" : `Write, or ask @${state.bot.username}`);
    writing(); // before it is measured: one of two buttons goes
    fit();
  }
  if (kept) field.focus();
}

export async function askToBlock() {
  const sure = await confirmSheet("Block the bot?", "It gets an error from now on when it writes to you, as with Telegram.", "Block", true);
  if (sure) await act("block", { blocked: true }).catch(sorry);
}

export function startComposer(onApp) {
  openApp = onApp;
  field = el("textarea", { id: "text", rows: "1", "aria-label": "Message", "aria-autocomplete": "list", "aria-controls": "suggest", maxlength: "4096", enterkeyhint: "send" });
  const box = el("div", { class: "suggest", id: "suggest", role: "listbox", "aria-label": "Suggestions", hidden: true });
  suggestions = new Suggestions(field, box, choose);
  field.addEventListener("keydown", onKey);
  field.addEventListener("input", () => {
    writing();
    fit();
    suggestions.update(field.value);
  });
}

export const writeInto = (text) => {
  field.value = text;
  field.focus();
  writing();
  fit();
  suggestions.update(text);
};
