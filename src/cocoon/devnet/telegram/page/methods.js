// What a Mini App may ask of Telegram, and what the stand-in answers.
// Names and data: https://docs.telegram-mini-apps.com/platform/methods and …/events; what has no
// meaning here is answered as Telegram Web answers where a device lacks it.
import { payLink } from "./pay.js";
import { confirmSheet, sheet, toast } from "./sheets.js";
import { el } from "./dom.js";
import { state } from "./state.js";
import { cloudMethod, shelfHandlers } from "./storage.js";
import { themeParams } from "./themes.js";
import { answerWallet } from "./walletsheet.js";

const STYLE = "body { -webkit-tap-highlight-color: transparent; }";

function frameMethods(view) {
  return {
    iframe_ready() { view.send("set_custom_style", STYLE); },
    iframe_will_reload() { view.reset(); },
    web_app_ready() { view.ready(); },
    web_app_expand() { view.viewport(); },
    web_app_close() { view.close(); },
    web_app_request_theme() { view.send("theme_changed", { theme_params: themeParams() }); },
    web_app_request_viewport() { view.viewport(); },
    web_app_request_safe_area() { view.safeArea(); },
    web_app_request_content_safe_area() { view.contentSafeArea(); },
    web_app_request_fullscreen() { view.fullscreen(true); },
    web_app_exit_fullscreen() { view.fullscreen(false); },
    web_app_hide_keyboard() {},
    web_app_setup_swipe_behavior() {},
    web_app_toggle_orientation_lock() {},
    web_app_setup_closing_behavior({ need_confirmation }) { view.askBeforeClose = Boolean(need_confirmation); },
  };
}

function lookMethods(view) {
  return {
    web_app_set_header_color({ color, color_key }) { view.colour("header", color || themeParams()[color_key]); },
    web_app_set_background_color({ color }) { view.colour("bg", color); },
    web_app_set_bottom_bar_color({ color }) { view.colour("bottom", color); },
    web_app_setup_back_button({ is_visible }) { view.backButton(Boolean(is_visible)); },
    web_app_setup_settings_button({ is_visible }) { view.hasSettings = Boolean(is_visible); },
    web_app_setup_main_button(data) { view.bottomButton("main", data); },
    web_app_setup_secondary_button(data) { view.bottomButton("secondary", data); },
    web_app_trigger_haptic_feedback(data) { view.haptic(data); },
    async web_app_open_popup(data) {
      const chosen = await view.popup(data);
      view.send("popup_closed", chosen === null ? {} : { button_id: chosen });
    },
  };
}

async function openLink(url) {
  let href = null;
  try {
    const parsed = new URL(url);
    if (["http:", "https:"].includes(parsed.protocol)) href = parsed.href;
  } catch { /* said below */ }
  if (href === null) {
    toast("The Mini App wants to open something that is no web address");
    return;
  }
  await sheet("Open a link", (close) => [
    el("h3", {}, "Open a link?"),
    el("p", { class: "fine" }, "The Mini App wants to open this in the browser:"),
    el("dl", {}, el("dt", {}, "Link"), el("dd", { class: "mono" }, href)),
    el(
      "div", { class: "row" },
      el("button", { type: "button", onclick: () => close() }, "Cancel"),
      el("button", { type: "button", class: "primary", autofocus: true, onclick: () => { window.open(href, "_blank", "noopener,noreferrer"); close(); } }, "Open"),
    ),
  ]);
}

async function payInvoice(view, slug) {
  let status = "failed";
  try {
    status = await payLink(slug);
  } catch (error) {
    toast(error.message);
  }
  view.send("invoice_closed", { slug, status });
}

function linkMethods(view) {
  return {
    web_app_open_link({ url }) { return openLink(String(url)); },
    web_app_open_invoice({ slug }) { return payInvoice(view, String(slug)); },
    web_app_open_tg_link({ path_full }) {
      const path = String(path_full);
      const invoice = path.match(/^\/(?:\$|invoice\/)([\w=-]+)$/);
      if (invoice) return payInvoice(view, invoice[1]);
      const start = path.match(new RegExp(`^/${state.bot.username}(?:\\?start=([\\w-]*))?$`, "i"));
      if (start) {
        view.close(true);
        view.host.toChat(start[1]);
      } else toast(`A link into Telegram: t.me${path}. The stand-in has no such place.`, 6);
      return undefined;
    },
    web_app_switch_inline_query({ query }) {
      view.close(true);
      view.host.write(`@${state.bot.username} ${query}`);
    },
    async web_app_request_file_download({ url, file_name }) {
      const yes = await confirmSheet("Download a file?", String(file_name), "Download");
      if (yes) el("a", { href: String(url), download: String(file_name), target: "_blank", rel: "noopener" }).click();
      view.send("file_download_requested", { status: yes ? "downloading" : "cancelled" });
    },
    async web_app_request_write_access() {
      const yes = await confirmSheet("May the bot write to you?", state.bot.first_name, "Allow");
      view.send("write_access_requested", { status: yes ? "allowed" : "cancelled" });
    },
    web_app_data_send() { toast("The Mini App sends data to the bot: the stand-in does not do that"); },
    web_app_share_to_story() { toast("The Mini App wants to post a story: there are none here"); },
  };
}

/** What a machine like this does not have, in the words that Telegram has for it. */
function absentMethods(view) {
  const answers = {
    web_app_biometry_get_info: ["biometry_info_received", { available: false }],
    web_app_biometry_request_access: ["biometry_info_received", { available: false }],
    web_app_biometry_request_auth: ["biometry_auth_requested", { status: "failed" }],
    web_app_biometry_update_token: ["biometry_token_updated", { status: "failed" }],
    web_app_check_location: ["location_checked", { available: false }],
    web_app_request_location: ["location_requested", { available: false }],
    web_app_check_home_screen: ["home_screen_checked", { status: "unsupported" }],
    web_app_add_to_home_screen: ["home_screen_failed", undefined],
    web_app_request_phone: ["phone_requested", { status: "cancelled" }],
    web_app_open_scan_qr_popup: ["scan_qr_popup_closed", undefined],
    web_app_set_emoji_status: ["emoji_status_failed", { error: "USER_DECLINED" }],
    web_app_request_emoji_status_access: ["emoji_status_access_requested", { status: "cancelled" }],
    web_app_send_prepared_message: ["prepared_message_failed", { error: "USER_DECLINED" }],
    web_app_start_accelerometer: ["accelerometer_failed", { error: "UNSUPPORTED" }],
    web_app_start_gyroscope: ["gyroscope_failed", { error: "UNSUPPORTED" }],
    web_app_start_device_orientation: ["device_orientation_failed", { error: "UNSUPPORTED" }],
  };
  const handlers = {};
  for (const [method, [name, data]] of Object.entries(answers)) handlers[method] = () => view.send(name, data);
  handlers.web_app_read_text_from_clipboard = ({ req_id }) => view.send("clipboard_text_received", { req_id, data: null });
  return handlers;
}

/** Every method, for a web view. */
export function methodsOf(view) {
  const person = state.me.id;
  const send = (name, data) => view.send(name, data);
  return {
    ...frameMethods(view),
    ...lookMethods(view),
    ...linkMethods(view),
    ...absentMethods(view),
    ...shelfHandlers(send, "device", person),
    ...shelfHandlers(send, "secure", person),
    web_app_invoke_custom_method({ req_id, method, params }) {
      view.send("custom_method_invoked", { req_id, ...cloudMethod(person, method, params || {}) });
    },
    async stand_in_wallet({ id, method, params }) {
      view.send("stand_in_wallet_answer", { id, ...await answerWallet(view.origin, method, params) });
    },
    other(name) { console.warn(`the stand-in has no method ${name}`); },
  };
}
