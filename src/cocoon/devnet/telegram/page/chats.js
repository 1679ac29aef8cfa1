// The list of chats, and who one is.
import { byId, clockTime, el, hue, initials } from "./dom.js";
import { become } from "./net.js";
import { state } from "./state.js";
import { summary } from "./message.js";
import { titleOf } from "./talk.js";

function row(chat, onChoose) {
  const last = [...chat.messages.values()].pop();
  const title = titleOf(chat);
  const button = el(
    "button", { type: "button", class: "chat-row", "aria-current": String(chat.id === state.chat), onclick: () => onChoose(chat.id) },
    el("span", { class: chat.type === "private" ? "avatar" : "avatar square", "aria-hidden": "true", style: { "--hue": hue(chat.id) } }, initials(title)),
    el("b", {}, title),
    last ? el("time", {}, clockTime(last.date)) : el("span"),
    el("span", { class: "preview" }, last ? summary(last) : "nothing yet"),
    chat.unread ? el("span", { class: "unread" }, String(chat.unread), el("span", { class: "unseen" }, " unread")) : el("span"),
  );
  return el("li", {}, button);
}

export function drawChats(onChoose) {
  byId("chats").replaceChildren(...[...state.chats.values()].map((chat) => row(chat, onChoose)));
}

export function drawMe() {
  const select = byId("person");
  const options = state.people.map((one) => el("option", { value: one.id, selected: one.id === state.me.id }, one.first_name));
  select.replaceChildren(...options);
  byId("purse").textContent = `★ ${state.me.stars.toLocaleString("en")} pretend Stars`;
}

export function startChats() {
  byId("person").addEventListener("change", (event) => become(event.target.value));
}
