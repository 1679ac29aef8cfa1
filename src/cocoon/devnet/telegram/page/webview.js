// A phone with a Mini App in it.
import { byId, el, icon, iconButton } from "./dom.js";
import { Bridge } from "./bridge.js";
import { methodsOf } from "./methods.js";
import { act } from "./net.js";
import { confirmSheet, menu, sheet, toast } from "./sheets.js";
import { state } from "./state.js";
import { botName } from "./talk.js";
import { onTheme, theme, themeParams, toggleTheme } from "./themes.js";

const COLOUR = /^#[0-9a-f]{6}$/i;
const HOME_LINE = 20; // CSS pixels that a phone's line at the bottom takes
const HEAD = 50;
const SIZES = { "Phone, 390 px": ["390px", "800px"], "Small phone, 320 px": ["320px", "640px"] };
const FEEL_SHOWN = 1100;
let open = null;

export const openView = () => open;

const narrow = () => innerWidth <= 760;

const isDark = (colour) => {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 140;
};

class WebView {
  /** `host` has toChat(start), write(text) and closed(). */
  constructor(launch, host) {
    Object.assign(this, { launch, host, origin: new URL(launch.url).origin });
    this.askBeforeClose = this.hasSettings = this.hasBack = this.isFull = false;
    this.notch = !narrow(); // a real phone has its own
    this.colours = {};
    this.buttons = { main: {}, secondary: { position: "left" } };
    this.build();
    this.bridge = new Bridge(this.frame, this.origin, methodsOf(this));
    this.sizes = new ResizeObserver(() => this.viewport());
    this.sizes.observe(this.body);
  }

  build() {
    this.backNode = el("button", { type: "button", class: "left", onclick: () => this.back() });
    this.more = iconButton("dots", "More about the Mini App", (event) => this.menu(event.currentTarget), { class: "right", "aria-haspopup": "menu", id: "app-menu" });
    this.head = el(
      "header", { class: "app-head" }, this.backNode,
      el("div", {}, el("h2", {}, botName()), el("p", {}, "stand-in, not Telegram")), this.more,
    );
    this.frame = el("iframe", {
      title: `Mini App of ${botName()}`, src: this.launch.url, id: "app-frame",
      sandbox: "allow-scripts allow-same-origin allow-popups allow-forms allow-modals allow-downloads",
      allow: "clipboard-write; microphone; camera", referrerpolicy: "no-referrer",
    });
    this.wait = el("div", { class: "app-wait", role: "status" }, "The Mini App is loading…");
    this.feel = el("div", { class: "feel", id: "feel", "aria-hidden": "true" });
    this.body = el("div", { class: "app-body" }, this.frame, this.wait, this.feel);
    this.foot = el("div", { class: "app-foot" });
    this.line = el("div", { class: "home-line", "aria-hidden": "true" });
    this.phone = el("div", { class: "phone" }, this.head, this.body, this.foot, this.line);
    this.node = [this.phone, el("p", { class: "app-note" }, "A stand-in for Telegram's web view, not Telegram.")];
    this.backButton(false);
    this.paint();
  }

  send(name, data) { this.bridge.send(name, data); }

  ready() { this.wait.hidden = true; }

  reset() {
    this.askBeforeClose = this.hasSettings = false;
    this.buttons = { main: {}, secondary: { position: "left" } };
    this.colours = {};
    this.backButton(false);
    this.drawButtons();
    this.paint();
    this.wait.hidden = false;
    this.bridge.forget();
  }

  reload() {
    this.reset();
    // A frame that is given its address again does not load again while only the fragment is new.
    this.frame.remove();
    this.body.prepend(this.frame);
    this.frame.src = this.launch.url;
  }

  viewport() {
    const { clientHeight: height, clientWidth: width } = this.body;
    this.send("viewport_changed", { height, width, is_expanded: true, is_state_stable: true });
  }

  safeArea() {
    const covered = this.notch && !this.foot.classList.contains("has");
    this.send("safe_area_changed", { top: 0, bottom: covered ? HOME_LINE : 0, left: 0, right: 0 });
  }

  contentSafeArea() {
    this.send("content_safe_area_changed", { top: this.isFull ? HEAD : 0, bottom: 0, left: 0, right: 0 });
  }

  fullscreen(wanted) {
    if (wanted === this.isFull) {
      if (wanted) this.send("fullscreen_failed", { error: "ALREADY_FULLSCREEN" });
      return;
    }
    this.isFull = wanted;
    this.phone.classList.toggle("full", wanted);
    this.send("fullscreen_changed", { is_fullscreen: wanted });
    this.contentSafeArea();
  }

  paint() {
    const params = themeParams();
    const header = this.colours.header || params.header_bg_color;
    this.phone.style.setProperty("--app-header", header);
    this.phone.style.setProperty("--app-header-text", isDark(header) ? "#ffffff" : "#101418");
    this.phone.style.setProperty("--app-bg", this.colours.bg || params.bg_color);
    this.phone.style.setProperty("--app-bottom", this.colours.bottom || params.bottom_bar_bg_color);
    this.line.hidden = !this.notch;
    this.phone.classList.toggle("lined", this.notch);
  }

  colour(where, value) {
    const named = { bg_color: 1, secondary_bg_color: 1, bottom_bar_bg_color: 1 }[value] ? themeParams()[value] : value;
    if (COLOUR.test(named || "")) this.colours[where] = named;
    this.paint();
  }

  backButton(visible) {
    this.hasBack = visible;
    this.backNode.replaceChildren(icon(visible ? "back" : "close"), visible ? "Back" : "Close");
    this.backNode.id = visible ? "app-back" : "app-close";
  }

  back() {
    if (this.hasBack) this.send("back_button_pressed");
    else this.close();
  }

  bottomButton(which, data) {
    this.buttons[which] = { ...this.buttons[which], ...data };
    this.drawButtons();
  }

  drawButtons() {
    const params = themeParams();
    const draw = (which, colours) => {
      const wanted = this.buttons[which];
      if (!wanted.is_visible || !wanted.text) return null;
      const classes = [wanted.is_progress_visible && "progress", wanted.has_shine_effect && "shine"].filter(Boolean).join(" ");
      const style = {
        background: COLOUR.test(wanted.color || "") ? wanted.color : colours[0],
        color: COLOUR.test(wanted.text_color || "") ? wanted.text_color : colours[1],
      };
      return el("button", {
        type: "button", id: `app-${which}`, class: classes, style, disabled: wanted.is_active === false,
        onclick: () => this.send(`${which}_button_pressed`),
      }, wanted.text);
    };
    const main = draw("main", [params.button_color, params.button_text_color]);
    const second = draw("secondary", [params.bottom_bar_bg_color, params.button_color]);
    const place = this.buttons.secondary.position;
    const both = place === "left" || place === "top" ? [second, main] : [main, second];
    this.foot.replaceChildren(...both.filter(Boolean));
    const had = this.foot.classList.contains("has");
    this.foot.classList.toggle("has", Boolean(main || second));
    this.foot.classList.toggle("side-by-side", Boolean(main && second) && ["left", "right"].includes(place));
    if (this.bridge && had !== Boolean(main || second)) this.safeArea();
  }

  haptic(data) {
    const kind = data.impact_style || data.notification_type || "";
    this.feel.textContent = `haptic: ${String(data.type).replace("_", " ")}${kind ? ` · ${kind}` : ""}`;
    this.feel.classList.add("on");
    this.phone.classList.remove("shake");
    if (["heavy", "rigid", "error", "warning"].includes(kind)) requestAnimationFrame(() => this.phone.classList.add("shake"));
    if (navigator.vibrate) navigator.vibrate(kind === "heavy" || kind === "error" ? 30 : 10);
    clearTimeout(this.feelTimer);
    this.feelTimer = setTimeout(() => this.feel.classList.remove("on"), FEEL_SHOWN);
  }

  /** The chosen button's id, or null when it was closed. */
  popup({ title, message, buttons = [] }) {
    const words = { ok: "OK", close: "Close", cancel: "Cancel" };
    return new Promise((resolve) => {
      const before = document.activeElement;
      const done = (value) => {
        node.remove();
        if (before) before.focus();
        resolve(value);
      };
      const keys = buttons.slice(0, 3).map((one) => el(
        "button", { type: "button", class: one.type === "destructive" && "danger", onclick: () => done(String(one.id || "")) }, words[one.type] || one.text || "OK",
      ));
      const node = el(
        "div", { class: "app-pop", role: "dialog", "aria-modal": "true", "aria-label": title || "Mini App" },
        el("div", {}, title ? el("h3", {}, title) : null, el("p", {}, message), el("div", { class: "row" }, keys)),
      );
      node.addEventListener("keydown", (event) => {
        if (event.key === "Escape") done(null);
        if (event.key !== "Tab") return;
        event.preventDefault();
        keys[(keys.indexOf(document.activeElement) + (event.shiftKey ? -1 : 1) + keys.length) % keys.length].focus();
      });
      node.addEventListener("click", (event) => event.target === node && done(null));
      this.body.append(node);
      if (keys.length) keys[keys.length - 1].focus();
    });
  }

  menu(anchor) {
    menu(anchor, [
      this.hasSettings && ["gear", "Settings of the app", () => this.send("settings_button_pressed")],
      ["reload", "Load again", () => this.reload()],
      [theme() === "dark" ? "sun" : "moon", theme() === "dark" ? "Light" : "Dark", toggleTheme],
      ...Object.entries(narrow() ? {} : SIZES).map(([name, [width, height]]) => ["app", name, () => this.size(width, height)]),
      ["app", this.notch ? "Without a line at the bottom" : "With a line at the bottom", () => this.toggleNotch()],
      ["file", "Messages of the bridge", () => this.showLog()],
      ["close", "Close", () => this.close()],
    ]);
  }

  size(width, height) {
    this.phone.style.setProperty("--phone-width", width);
    this.phone.style.setProperty("--phone-height", height);
  }

  toggleNotch() {
    this.notch = !this.notch;
    this.paint();
    this.safeArea();
  }

  showLog() {
    const lines = this.bridge.log.map(([way, name, data]) => `${way === "to app" ? "→" : "←"} ${name} ${data === undefined ? "" : JSON.stringify(data)}`);
    return sheet("Bridge", (close) => [
      el("h3", {}, "What was said over the bridge"),
      el("p", { class: "fine" }, "← from the Mini App, → to it; the newest last."),
      el("textarea", { readonly: true, rows: "14", "aria-label": "Messages" }, lines.join("\n")),
      el("div", { class: "row" }, el("button", { type: "button", class: "primary", onclick: () => close() }, "Close")),
    ]);
  }

  async close(now = false) {
    if (!now && this.askBeforeClose && !await confirmSheet("Close the Mini App?", "What you changed may not be saved.", "Close", true)) return;
    if (open !== this) return;
    open = null;
    this.sizes.disconnect();
    this.bridge.close();
    byId("app-place").replaceChildren();
    byId("app-place").hidden = true;
    byId("shell").classList.remove("with-app");
    this.host.closed();
  }
}

onTheme(() => {
  if (!open) return;
  open.paint();
  open.drawButtons();
  open.send("theme_changed", { theme_params: themeParams() });
});

/** Open a Mini App; `how` names the button that was pressed (`kind`, `url`, `start`). */
export async function openWebView(how, host) {
  let launch;
  try {
    launch = await act("webapp", { ...how, theme_params: themeParams() });
  } catch (error) {
    toast(error.message, 6);
    return;
  }
  if (open) await open.close(true);
  open = new WebView(launch, host);
  const place = byId("app-place");
  place.replaceChildren(...open.node);
  place.hidden = false;
  byId("shell").classList.add("with-app");
  open.backNode.focus();
}
