import { contrast, isDark, mix, parseHex, type Rgb, readable, toHex } from "./color";

/** Colours as Telegram gives them (`themeParams`): names in snake case, values `#rrggbb`. */
export type ThemeParams = Readonly<Record<string, string | undefined>>;

export interface Palette {
  scheme: "light" | "dark";
  variables: Readonly<Record<string, string>>;
}

/** A background that leaves less contrast than this to any text is not taken. */
const CLEAR = 9;
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
const LIGHT = { bg: "#ffffff", text: "#17181c", accent: "#2f6fed", danger: "#d23b34" };
const DARK = { bg: "#17191e", text: "#f2f3f5", accent: "#6ea2ff", danger: "#ff7a70" };

/**
 * The app's colours out of Telegram's.
 *
 * Telegram's themes, and people's own, often have hints and buttons below WCAG's contrast; those
 * colours are moved towards black or white until text on them can be read.
 */
export function palette(params: ThemeParams, prefersDark: boolean): Palette {
  const told = parseHex(params.bg_color);
  const given =
    told && Math.max(contrast(told, BLACK), contrast(told, WHITE)) >= CLEAR ? told : null;
  const dark = given ? isDark(given) : prefersDark;
  const base = dark ? DARK : LIGHT;
  const pick = (name: string, fallback: string): Rgb =>
    parseHex(params[name]) ?? parseHex(fallback) ?? BLACK;
  const bg = given ?? pick("", base.bg);
  const end = dark ? WHITE : BLACK;
  const text = readable(pick("text_color", base.text), [bg], end, 7);
  const accent = pick("button_color", params.accent_text_color ?? base.accent);
  const card = mix(bg, text, dark ? 0.06 : 0.04);
  const well = mix(bg, text, dark ? 0.11 : 0.075);
  const tint = mix(bg, accent, dark ? 0.26 : 0.13);
  const grounds = [bg, card, well];
  const onButton = parseHex(params.button_text_color) ?? (dark ? BLACK : WHITE);
  const label = isDark(accent) || !isDark(onButton) ? WHITE : BLACK;
  const button = readable(accent, [label], label === WHITE ? BLACK : WHITE);
  const link = readable(pick("link_color", toHex(accent)), [...grounds, tint], end);
  const danger = readable(pick("destructive_text_color", base.danger), grounds, end);
  const green = readable(dark ? [96, 201, 136] : [22, 128, 72], grounds, end);
  const amber = readable(dark ? [240, 185, 90] : [150, 92, 0], grounds, end);
  const colors: Record<string, Rgb> = {
    bg,
    text: readable(text, [tint], end, 7),
    hint: readable(pick("hint_color", dark ? "#9aa0aa" : "#6b7280"), [...grounds, tint], end),
    card,
    well,
    tint,
    line: mix(bg, text, dark ? 0.16 : 0.12),
    control: readable(mix(bg, text, 0.4), grounds, end, 3.05),
    button,
    "on-button": label,
    link,
    danger,
    green,
    amber,
  };
  const variables = Object.fromEntries(
    Object.entries(colors).map(([name, color]) => [`--${name}`, toHex(color)]),
  );
  return { scheme: dark ? "dark" : "light", variables };
}

/** Put a palette on the page; scripts may set properties where the policy forbids inline styles. */
export function applyPalette(chosen: Palette, root: HTMLElement): void {
  root.dataset.scheme = chosen.scheme;
  root.style.setProperty("color-scheme", chosen.scheme);
  for (const [name, value] of Object.entries(chosen.variables)) root.style.setProperty(name, value);
}
