import { signal } from "@preact/signals";
import {
  backButton,
  hapticFeedback,
  init,
  invoice,
  miniApp,
  openLink,
  openTelegramLink,
  retrieveLaunchParams,
  retrieveRawInitData,
  setTargetOrigin,
  swipeBehavior,
  themeParams,
  viewport,
} from "@tma.js/sdk";
import { applyPalette, palette, type ThemeParams } from "./theme";

export type Haptic = "tap" | "select" | "success" | "warning" | "error";
export type InvoiceOutcome = "paid" | "pending" | "cancelled" | "failed" | "unsupported";

/** Whether Telegram shows a back button in its own header. */
export const hasBackButton = signal(false);

let started = false;

/** Do what Telegram's app may be too old for, or may refuse, without troubling the person. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function paint(params: ThemeParams): void {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const chosen = palette(params, prefersDark);
  applyPalette(chosen, document.documentElement);
  document
    .querySelector('meta[name="theme-color"]')
    ?.setAttribute("content", chosen.variables["--bg"] ?? "");
  if (!started) return;
  const bg = chosen.variables["--bg"] as `#${string}`;
  attempt(() => miniApp.setBgColor.ifAvailable(bg));
  attempt(() => miniApp.setHeaderColor.ifAvailable(bg));
  attempt(() => miniApp.setBottomBarColor.ifAvailable(bg));
}

/** Colours before anything else is known, so that the first picture has the right ones. */
export function paintEarly(): void {
  const launch = attempt(() => retrieveLaunchParams());
  paint((launch?.tgWebAppThemeParams ?? {}) as ThemeParams);
  if (!launch) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint({}));
  }
  followHeight();
}

/** The height that the keyboard leaves, for web views that do not make the page smaller. */
function followHeight(): void {
  const view = window.visualViewport;
  if (!view) return;
  const update = () => {
    document.documentElement.style.setProperty("--app-height", `${Math.round(view.height)}px`);
    if (view.offsetTop > 0) window.scrollTo(0, 0);
  };
  view.addEventListener("resize", update);
  update();
}

/** What the login sends; undefined outside of Telegram. */
export function initData(): string | undefined {
  return attempt(() => retrieveRawInitData());
}

/** Where a web view in a frame has its messages go; Telegram's own web clients need nothing. */
function frameOrigin(standIn: string | null): string | undefined {
  if (window.parent === window) return undefined;
  const told = standIn ? attempt(() => new URL(standIn).origin) : undefined;
  return told ?? window.location.ancestorOrigins?.[0];
}

/**
 * Join Telegram's app: theme, viewport, header, back button.
 *
 * @param standIn null with Telegram itself; else what the service says of its stand-in: only then
 *   do messages go to another page than Telegram's.
 */
export function start(standIn: { wallet: string | null } | null): void {
  const origin = standIn ? frameOrigin(standIn.wallet) : undefined;
  if (origin) setTargetOrigin(origin);
  // Telegram's own style element would be against the page's policy.
  if (attempt(() => init({ acceptCustomStyles: false })) === undefined) return;
  started = true;
  attempt(() => themeParams.mount());
  attempt(() => miniApp.mount());
  attempt(() => backButton.mount());
  hasBackButton.value = attempt(() => backButton.isSupported()) ?? false;
  attempt(() => backButton.onClick.ifAvailable(() => void goBack()));
  attempt(() => swipeBehavior.mount());
  attempt(() => swipeBehavior.disableVertical.ifAvailable());
  attempt(() => themeParams.state.sub((now) => paint(now as ThemeParams)));
  paint((attempt(() => themeParams.state()) ?? {}) as ThemeParams);
  void mountViewport();
  attempt(() => miniApp.ready());
}

async function mountViewport(): Promise<void> {
  try {
    await viewport.mount();
    viewport.bindCssVars.ifAvailable();
    viewport.expand.ifAvailable();
  } catch {
    // Browsers' own safe areas are used instead.
  }
}

const backHandlers: Array<() => void> = [];

/** Go back once: what was opened last closes. False where there is nothing to close. */
export function goBack(): boolean {
  const handler = backHandlers.at(-1);
  handler?.();
  return handler !== undefined;
}

/** Be what Telegram's back button, or Escape, does until the returned function is called. */
export function onBack(handler: () => void): () => void {
  backHandlers.push(handler);
  attempt(() => backButton.show.ifAvailable());
  return () => {
    const index = backHandlers.lastIndexOf(handler);
    if (index >= 0) backHandlers.splice(index, 1);
    if (backHandlers.length === 0) attempt(() => backButton.hide.ifAvailable());
  };
}

export function haptic(kind: Haptic): void {
  attempt(() => {
    if (kind === "tap") hapticFeedback.impactOccurred.ifAvailable("light");
    else if (kind === "select") hapticFeedback.selectionChanged.ifAvailable();
    else hapticFeedback.notificationOccurred.ifAvailable(kind);
  });
}

/** Open a link outside of the web view. */
export function open(url: string): void {
  const telegram = /^https:\/\/t\.me\//.test(url);
  const opened = attempt(() => {
    if (!started) return false;
    if (telegram) openTelegramLink(url);
    else openLink(url);
    return true;
  });
  if (!opened) window.open(url, "_blank", "noopener,noreferrer");
}

/** Let the person pay an invoice of Telegram. */
export async function pay(link: string): Promise<InvoiceOutcome> {
  try {
    if (!started || !invoice.isSupported()) return "unsupported";
    return (await invoice.openUrl(link)) as InvoiceOutcome;
  } catch {
    return "failed";
  }
}
