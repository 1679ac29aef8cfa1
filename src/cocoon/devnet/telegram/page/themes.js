// Light and dark: of this page, and as theme parameters for the Mini App.
// The parameters are those of Telegram's default themes
// (https://docs.telegram-mini-apps.com/platform/theming).
import { byId, icon } from "./dom.js";

const PARAMS = {
  light: {
    accent_text_color: "#2481cc", bg_color: "#ffffff", bottom_bar_bg_color: "#f7f7f7", button_color: "#2481cc",
    button_text_color: "#ffffff", destructive_text_color: "#d1242f", header_bg_color: "#ffffff", hint_color: "#707579",
    link_color: "#2481cc", secondary_bg_color: "#f4f4f5", section_bg_color: "#ffffff", section_header_text_color: "#2481cc",
    section_separator_color: "#dfe1e5", subtitle_text_color: "#707579", text_color: "#000000",
  },
  dark: {
    accent_text_color: "#8774e1", bg_color: "#212121", bottom_bar_bg_color: "#0f0f0f", button_color: "#8774e1",
    button_text_color: "#ffffff", destructive_text_color: "#ff595a", header_bg_color: "#212121", hint_color: "#aaaaaa",
    link_color: "#8774e1", secondary_bg_color: "#0f0f0f", section_bg_color: "#212121", section_header_text_color: "#8774e1",
    section_separator_color: "#303030", subtitle_text_color: "#aaaaaa", text_color: "#ffffff",
  },
};
const KEY = "stand-in-theme";
const listeners = [];

export const theme = () => document.documentElement.dataset.theme;
export const themeParams = () => PARAMS[theme()];
export const onTheme = (listener) => listeners.push(listener);

function set(name, keep) {
  document.documentElement.dataset.theme = name;
  const button = byId("theme");
  const label = name === "dark" ? "Switch to light" : "Switch to dark";
  button.setAttribute("aria-label", label);
  button.title = label;
  button.replaceChildren(icon(name === "dark" ? "sun" : "moon"));
  if (keep) localStorage.setItem(KEY, name);
  listeners.forEach((listener) => listener(name));
}

export const toggleTheme = () => set(theme() === "dark" ? "light" : "dark", true);

export function startThemes() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  set(localStorage.getItem(KEY) || (system.matches ? "dark" : "light"), false);
  system.addEventListener("change", () => localStorage.getItem(KEY) || set(system.matches ? "dark" : "light", false));
  byId("theme").addEventListener("click", toggleTheme);
}
