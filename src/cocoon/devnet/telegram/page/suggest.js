// What can be chosen above the place to write: commands of the bot, or results of an inline query.
import { el } from "./dom.js";
import { act } from "./net.js";
import { here, state } from "./state.js";

const WAIT = 250; // milliseconds without a key before an inline query goes out

/** A list box steered from the text field; `choose(item)` is told what was taken. */
export class Suggestions {
  constructor(input, box, choose) {
    Object.assign(this, { input, box, choose, items: [], at: 0, timer: 0, asked: "" });
  }

  get open() { return !this.box.hidden; }

  close() {
    clearTimeout(this.timer);
    this.asked = "";
    this.box.hidden = true;
    this.input.removeAttribute("aria-activedescendant");
  }

  /** Look at what is written. */
  update(text) {
    if (text.startsWith("/") && !/\s/.test(text)) return this.commands(text);
    const inline = state.bot && text.match(new RegExp(`^@${state.bot.username}(\\s[^]*)`, "i"));
    if (inline && state.bot.inline) return this.inline(inline[1].trimStart());
    return this.close();
  }

  commands(text) {
    const wanted = text.slice(1).toLowerCase();
    const found = (state.bot.commands || []).filter((one) => one.command.startsWith(wanted));
    this.show(found.map((one) => ({
      kind: "command", value: `/${one.command}`,
      node: [el("span", {}, `/${one.command}`), el("small", {}, one.description)],
    })), "");
  }

  inline(query) {
    if (this.asked === query && this.open) return;
    this.asked = query;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      this.show([], "The bot is asked…");
      const reply = await act("inline", { query, chat: here().id }).catch((error) => ({ results: [], error: error.message }));
      if (this.asked !== query) return;
      this.show(reply.results.map((one) => ({
        kind: "inline", value: one.id, query: reply.query,
        node: [el("span", {}, one.title || one.id), el("small", {}, one.description || "")], wide: true,
      })), reply.error || "Nothing found");
    }, WAIT);
  }

  show(items, otherwise) {
    this.items = items;
    this.at = 0;
    if (!items.length && !otherwise) return this.close();
    const nodes = items.map((item, at) => el(
      "div", { role: "option", id: `suggest-${at}`, class: item.wide && "wide", onpointerdown: (event) => { event.preventDefault(); this.take(at); } }, item.node,
    ));
    this.box.replaceChildren(...(nodes.length ? nodes : [el("p", {}, otherwise)]));
    this.box.hidden = false;
    return this.mark();
  }

  mark() {
    [...this.box.children].forEach((node, at) => {
      if (node.getAttribute("role") !== "option") return;
      node.setAttribute("aria-selected", String(at === this.at));
      if (at === this.at) {
        node.scrollIntoView({ block: "nearest" });
        this.input.setAttribute("aria-activedescendant", node.id);
      }
    });
  }

  /** A key of the text field; true when it was for the list. */
  key(event) {
    if (!this.open) return false;
    if (event.key === "Escape") {
      this.close();
      return true;
    }
    if (!this.items.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.at = (this.at + step + this.items.length) % this.items.length;
      this.mark();
      return true;
    }
    if (event.key === "Tab" || event.key === "Enter") {
      this.take(this.at);
      return true;
    }
    return false;
  }

  take(at) {
    const item = this.items[at];
    this.close();
    this.choose(item);
  }
}
