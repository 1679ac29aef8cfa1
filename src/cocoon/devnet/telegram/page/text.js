// Text with entities (https://core.telegram.org/bots/api#messageentity) as elements.
// Offsets are UTF-16 units, which is what JavaScript's strings count in.
import { el } from "./dom.js";

const TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

function safeLink(url) {
  try {
    const link = new URL(url.includes(":") ? url : `https://${url}`);
    return ["http:", "https:", "mailto:", "tg:"].includes(link.protocol) ? link.href : null;
  } catch {
    return null;
  }
}

function link(url, children) {
  const href = safeLink(url);
  if (href === null) return el("span", {}, children);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, children);
}

function pre(entity, plain, children, onCopy) {
  const head = el(
    "span", {},
    el("span", {}, entity.language || "code"),
    el("button", { type: "button", onclick: () => onCopy(plain) }, "Copy"),
  );
  return el("pre", {}, head, el("code", { tabindex: "0" }, children));
}

function spoiler(children) {
  const node = el("button", { type: "button", class: "spoiler", "aria-label": "Hidden text, press to show" }, children);
  node.addEventListener("click", () => {
    node.classList.add("open");
    node.removeAttribute("aria-label");
  }, { once: true });
  return node;
}

function quote(children, folded) {
  const node = el("blockquote", folded ? { class: "folded", tabindex: "0", role: "button", "aria-expanded": "false" } : {}, children);
  if (folded) {
    const toggle = () => node.setAttribute("aria-expanded", String(!node.classList.toggle("folded")));
    node.addEventListener("click", toggle);
    node.addEventListener("keydown", (event) => event.key === "Enter" && toggle());
  }
  return node;
}

function wrap(entity, plain, children, on) {
  switch (entity.type) {
    case "pre": return pre(entity, plain, children, on.copy);
    case "text_link": return link(entity.url, children);
    case "url": return link(plain, children);
    case "email": return link(`mailto:${plain}`, children);
    case "spoiler": return spoiler(children);
    case "blockquote": return quote(children, false);
    case "expandable_blockquote": return quote(children, true);
    case "bot_command":
      return el("button", { type: "button", class: "link", onclick: () => on.command(plain) }, children);
    case "mention": case "text_mention": case "hashtag": case "cashtag": case "phone_number":
      return el("span", { class: "link" }, children);
    default: return el(TAGS[entity.type] || "span", {}, children);
  }
}

function build(text, entities, start, end, on) {
  const nodes = [];
  let at = start;
  for (let i = 0; i < entities.length; i += 1) {
    const entity = entities[i];
    const from = Math.max(entity.offset, at);
    const to = Math.min(entity.offset + entity.length, end);
    if (from >= to || entity.offset < at) continue;
    const isBlock = BLOCKS.has(entity.type);
    if (from > at) nodes.push(text.slice(at, from).replace(isBlock ? /\n$/ : "", ""));
    const inner = entities.slice(i + 1).filter((other) => other.offset >= from && other.offset < to);
    nodes.push(wrap(entity, text.slice(from, to), build(text, inner, from, to, on), on));
    at = isBlock && text[to] === "\n" ? to + 1 : to; // a block ends its line by itself
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

/** Nodes of a text; `on.copy(text)` and `on.command("/help")` are what its buttons do. */
export function rich(text, entities = [], on = { copy() {}, command() {} }) {
  const ordered = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, ordered, 0, text.length, on);
}
