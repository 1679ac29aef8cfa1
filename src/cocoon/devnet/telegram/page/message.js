// One message as an element.
import { clockTime, el, hue, icon, iconButton } from "./dom.js";
import { here, state } from "./state.js";
import { rich } from "./text.js";

const fileUrl = (id) => `ui/file/${encodeURIComponent(id)}?as=${state.me.id}`;
const nameOf = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");

/** What a message is in a line of text. */
export function summary(message) {
  if (message.text) return message.text;
  if (message.caption) return message.caption;
  if (message.photo) return "Photo";
  if (message.document) return message.document.file_name || "File";
  if (message.voice) return "Voice message";
  if (message.invoice) return `Invoice: ${message.invoice.title}`;
  return serviceText(message) || "Message";
}

/** Words for messages that nobody wrote; an empty string for all others. */
export function serviceText(message) {
  const who = message.from ? nameOf(message.from) : "Somebody";
  if (message.successful_payment) return `You paid ${message.successful_payment.total_amount} pretend Stars`;
  if (message.refunded_payment) return `${message.refunded_payment.total_amount} pretend Stars came back`;
  if (message.new_chat_members) return `${message.new_chat_members.map(nameOf).join(", ")} joined`;
  if (message.left_chat_member) return `${nameOf(message.left_chat_member)} left`;
  if (message.forum_topic_created) return `Topic “${message.forum_topic_created.name}” was created`;
  if (message.pinned_message) return `${who} pinned a message`;
  if (message.group_chat_created || message.supergroup_chat_created) return `${who} created the group`;
  if (message.write_access_allowed) return "The bot may write to you";
  if (message.web_app_data) return `Data of the Mini App was sent: ${message.web_app_data.button_text}`;
  return "";
}

function size(bytes) {
  if (!bytes) return "";
  return bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

function attachment(message) {
  if (message.photo) {
    const largest = message.photo[message.photo.length - 1];
    return el("img", { class: "picture", src: fileUrl(largest.file_id), alt: message.caption || "Photo", loading: "lazy" });
  }
  if (message.voice) {
    return el("audio", { class: "voice", controls: true, preload: "none", src: fileUrl(message.voice.file_id), "aria-label": "Voice message" });
  }
  if (message.document) {
    const badge = el("span", { class: "badge" });
    badge.append(icon("file"));
    return el(
      "a", { class: "file", href: fileUrl(message.document.file_id), download: message.document.file_name || "file" },
      badge, el("b", {}, message.document.file_name || "File"), el("small", {}, size(message.document.file_size)),
    );
  }
  if (message.invoice) {
    const bill = message.invoice;
    return el(
      "div", { class: "bill" },
      el("span", { class: "price" }, `★ ${bill.total_amount}`),
      el("b", {}, bill.title), el("span", {}, bill.description),
    );
  }
  return null;
}

function quoted(message, on) {
  const other = message.reply_to_message;
  if (!other || other.forum_topic_created) return null;
  return el(
    "button", { type: "button", class: "quote", "aria-label": `Reply to: ${summary(other)}`, onclick: () => on.jump(other.message_id) },
    el("b", {}, other.from ? nameOf(other.from) : ""), summary(other).slice(0, 120),
  );
}

function forwardedFrom(message) {
  const origin = message.forward_origin;
  if (!origin) return null;
  const name = origin.sender_user ? nameOf(origin.sender_user) : origin.sender_user_name || "somebody";
  return el("span", { class: "forward" }, `Forwarded from ${name}`);
}

const STYLES = { primary: "primary", danger: "danger", success: "success" };

function key(message, button, on) {
  if (button.url) {
    return el("a", { href: button.url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => on.link(event, button.url) }, button.text);
  }
  const text = button.pay ? button.text.replace(/\u2b50\ufe0f?\s?/g, "★ ") : button.text; // as Telegram draws it
  return el("button", { type: "button", class: STYLES[button.style], onclick: (event) => on.key(message, button, event.currentTarget) }, text);
}

function keyboard(message, on) {
  const rows = message.reply_markup && message.reply_markup.inline_keyboard;
  if (rows && rows.length) {
    return el("div", { class: "keys" }, rows.map((row) => el("div", {}, row.map((button) => key(message, button, on)))));
  }
  if (!message.invoice) return null;
  const pay = { text: `Pay ★ ${message.invoice.total_amount}`, pay: true };
  return el("div", { class: "keys" }, el("div", {}, key(message, pay, on)));
}

function meta(message) {
  const via = message.via_bot ? `via @${message.via_bot.username} · ` : "";
  const edited = message.edit_date ? "edited · " : "";
  return el("span", { class: "meta" }, `${via}${edited}${clockTime(message.date)}`);
}

/** The element of a message; `first` starts a run of one sender. */
export function drawMessage(message, first, on) {
  const id = `m${message.message_id}`;
  const service = serviceText(message);
  if (service) return el("li", { class: "service", id }, service);
  const mine = message.from && message.from.id === state.me.id;
  const group = here().type !== "private";
  const text = message.text || message.caption;
  const bubble = el(
    "div", { class: "bubble" },
    first && !mine && group && message.from
      ? el("div", { class: "who", style: { "--hue": hue(message.from.id) } }, nameOf(message.from)) : null,
    forwardedFrom(message), quoted(message, on), attachment(message),
    text ? el("div", { class: "said", dir: "auto" }, rich(text, message.entities || message.caption_entities, on)) : null,
    meta(message),
  );
  const who = mine ? "You" : message.from ? nameOf(message.from) : "";
  const node = el(
    "li", { id, class: `msg${mine ? " mine" : ""}${first ? " first" : ""}`, "aria-label": `${who}, ${clockTime(message.date)}` },
    bubble, keyboard(message, on),
  );
  node.append(iconButton("dots", "Actions of this message", (event) => on.more(message, event.currentTarget), { class: "icon-button more", "aria-haspopup": "menu" }));
  return node;
}

/** A partial answer while it is being written. */
export function drawDraft(draft, on) {
  const said = el("div", { class: "said", dir: "auto" }, rich(draft.text || "Thinking…", draft.entities, on));
  const foot = el("div", { class: "draft-foot" }, el("span", {}, draft.stopped ? "stopped" : "writing…"));
  if (draft.can_stop && !draft.stopped) {
    foot.append(el("button", { type: "button", class: "stop", onclick: () => on.stop(draft) }, "Stop"));
  }
  return el("li", { class: "msg draft first", "aria-busy": "true", "aria-live": "off" }, el("div", { class: "bubble" }, said, foot));
}

/** Put newer text into a draft that is shown, so that its button keeps the focus. */
export function updateDraft(node, draft, on) {
  node.querySelector(".said").replaceChildren(...rich(draft.text || "Thinking…", draft.entities, on));
}
