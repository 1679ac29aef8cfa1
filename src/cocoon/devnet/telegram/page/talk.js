// The shown chat: head, topics and messages.
import { byId, dayName, el, hue, initials } from "./dom.js";
import { drawDraft, drawMessage, updateDraft } from "./message.js";
import { here, shownMessages, state, tell, threadKey } from "./state.js";

const RUN = 300; // seconds in which messages of one sender stand together
const ACTIONS = { typing: "is writing…", upload_document: "sends a file…", upload_photo: "sends a photo…", record_voice: "records…" };
const drawn = new Map(); // message id → { json, node }
let handlers = null;
let draftNode = null;
let draftId = null;

/** The bot's name without the note about the stand-in, which every screen has at its top. */
export const botName = () => state.bot.first_name.replace(/ \(stand-in, not Telegram\)$/, "");

export function titleOf(chat) {
  return chat.type === "private" ? botName() : chat.title;
}

function noteOf(chat) {
  const action = chat.actions.get(threadKey(state.thread)) || chat.actions.get(0);
  if (action && action.until > Date.now()) return [ACTIONS[action.action] || "is busy…", true];
  if (!state.online) return ["connection lost, trying again…", false];
  if (chat.type === "private") return [`@${state.bot.username} · bot, stand-in chat`, false];
  const people = chat.members.length;
  return [`${people} ${people === 1 ? "person" : "people"} and the bot · stand-in group`, false];
}

export function drawHead() {
  const chat = here();
  if (!chat) return;
  byId("talk-title").textContent = titleOf(chat);
  const [note, busy] = noteOf(chat);
  byId("talk-note").textContent = note;
  byId("talk-note").classList.toggle("busy", busy);
  const avatar = byId("talk-avatar");
  avatar.textContent = initials(titleOf(chat));
  avatar.style.setProperty("--hue", hue(chat.id));
  avatar.classList.toggle("square", chat.type !== "private");
  const app = byId("open-app");
  app.hidden = !(state.app && chat.type === "private");
  app.textContent = "Open app";
  drawTopics(chat);
}

function drawTopics(chat) {
  const box = byId("topics");
  box.hidden = !chat.forum;
  if (!chat.forum) return;
  const choose = (thread) => {
    state.thread = thread;
    tell("all");
  };
  const entries = [[null, "General"], ...Object.entries(chat.topics).map(([id, name]) => [Number(id), name])];
  box.replaceChildren(...entries.map(([id, name]) => el(
    "button", { type: "button", "aria-pressed": String(threadKey(id) === threadKey(state.thread)), onclick: () => choose(id) }, name,
  )));
}

function nodeFor(message, first) {
  const json = JSON.stringify(message) + first;
  const old = drawn.get(message.message_id);
  if (old && old.json === json) return old.node;
  const node = drawMessage(message, first, handlers);
  drawn.set(message.message_id, { json, node });
  return node;
}

function empty() {
  const about = state.bot.description || "Write something, or press a button below. Answers come from the bot that runs on this machine.";
  return el("li", { class: "empty" }, el("h3", {}, titleOf(here())), el("p", {}, about));
}

function items() {
  const list = [];
  let previous = null;
  for (const message of shownMessages()) {
    const day = dayName(message.date);
    if (!previous || dayName(previous.date) !== day) {
      list.push(el("li", { class: "day" }, day));
      previous = null;
    }
    const same = previous && previous.from && message.from && previous.from.id === message.from.id && message.date - previous.date < RUN;
    const node = nodeFor(message, !same);
    node.classList.toggle("selected", Boolean(state.picked && state.picked.has(message.message_id)));
    list.push(node);
    previous = message;
  }
  return list.length ? list : [empty()];
}

function draftItem() {
  const chat = here();
  const draft = chat && chat.drafts.get(threadKey(state.thread));
  if (!draft) {
    draftNode = draftId = null;
    return [];
  }
  if (draftNode && draftId === draft.draft_id && !draft.stopped) updateDraft(draftNode, draft, handlers);
  else draftNode = drawDraft(draft, handlers);
  draftId = draft.draft_id;
  return [draftNode];
}

/** Bring a list of children to what it should be, touching only what differs: focus and scroll stay. */
function place(box, wanted) {
  const keep = new Set(wanted);
  for (const child of [...box.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((node, at) => {
    if (box.children[at] !== node) box.insertBefore(node, box.children[at] || null);
  });
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 120;

export function drawTalk({ toEnd = false } = {}) {
  if (!here()) return;
  const scroll = byId("scroll");
  const follow = toEnd || atEnd(scroll);
  place(byId("messages"), [...items(), ...draftItem()]);
  if (follow) scroll.scrollTop = scroll.scrollHeight;
  byId("to-end").hidden = follow;
}

/** A draft alone changed, which happens many times a second. */
export function drawDraftOnly() {
  const scroll = byId("scroll");
  const follow = atEnd(scroll);
  const had = draftNode;
  const [node] = draftItem();
  if (had && had !== node) had.remove();
  if (node && node.parentNode === null) byId("messages").append(node);
  if (follow) scroll.scrollTop = scroll.scrollHeight;
}

export function jumpTo(id) {
  const node = byId(`m${id}`);
  if (node) node.scrollIntoView({ block: "center", behavior: "smooth" });
}

export function startTalk(on) {
  handlers = on;
  byId("scroll").addEventListener("scroll", (event) => { byId("to-end").hidden = atEnd(event.target); });
  byId("to-end").addEventListener("click", () => {
    byId("scroll").scrollTop = byId("scroll").scrollHeight;
  });
  setInterval(drawHead, 2000);
}

export function forgetDrawn() {
  drawn.clear();
  draftNode = draftId = null;
}
