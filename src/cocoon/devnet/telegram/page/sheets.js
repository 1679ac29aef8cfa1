// Dialogs, menus and short notes.
import { byId, el, icon } from "./dom.js";

/** A note that goes away by itself. */
export function toast(text, seconds = 4) {
  const node = el("div", { class: "toast" }, text);
  byId("toasts").append(node);
  setTimeout(() => node.remove(), seconds * 1000);
}

/** A modal dialog; `fill(close)` gives its content. Resolves with what `close` was given, or null. */
export function sheet(title, fill) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-label": title });
    let result = null;
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    dialog.append(el("div", { class: "sheet" }, fill(close)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A message with one button. */
export function alertSheet(title, text) {
  return sheet(title, (close) => [
    el("h3", {}, title),
    el("p", {}, text),
    el("div", { class: "row" }, el("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, "OK")),
  ]);
}

/** A question with two buttons; true when it was confirmed. */
export async function confirmSheet(title, text, yes, danger = false) {
  const answer = await sheet(title, (close) => [
    el("h3", {}, title),
    el("p", {}, text),
    el(
      "div", { class: "row" },
      el("button", { type: "button", onclick: () => close() }, "Cancel"),
      el("button", { type: "button", class: danger ? "danger" : "primary", autofocus: true, onclick: () => close(true) }, yes),
    ),
  ]);
  return answer === true;
}

/** A menu under a button; items are [icon, label, action, "danger"?]. */
export function menu(anchor, items) {
  const node = el("div", { class: "menu", role: "menu" });
  const done = () => {
    node.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
  };
  const outside = (event) => !node.contains(event.target) && done();
  for (const [name, label, action, kind] of items.filter(Boolean)) {
    const choose = () => {
      done();
      anchor.focus({ preventScroll: true });
      action();
    };
    const button = el("button", { type: "button", role: "menuitem", class: kind, onclick: choose });
    button.append(icon(name), label);
    node.append(button);
  }
  node.addEventListener("keydown", (event) => {
    const buttons = [...node.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      done();
      anchor.focus();
    }
  });
  (anchor.closest("main, nav, section") || document.body).append(node); // inside of a landmark
  const place = anchor.getBoundingClientRect();
  const left = Math.min(Math.max(8, place.right - node.offsetWidth), innerWidth - node.offsetWidth - 8);
  const below = place.bottom + 5 + node.offsetHeight < innerHeight;
  node.style.left = `${left}px`;
  node.style.top = `${below ? place.bottom + 5 : Math.max(8, place.top - 5 - node.offsetHeight)}px`;
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  node.firstElementChild.focus();
}

export async function copyText(text) {
  await navigator.clipboard.writeText(text).then(() => toast("Copied"), () => toast("The browser refuses to copy"));
}
