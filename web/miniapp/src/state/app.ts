import { computed, signal } from "@preact/signals";
import { Api, readConfig } from "../api/client";
import { type ApiError, asApiError } from "../api/errors";
import type { Config, Me, Model, Person } from "../api/types";
import { History } from "../history/db";
import { bestLanguage, setLanguage } from "../i18n";
import { initData, start } from "../platform/telegram";
import { loadPrefs, prefs } from "./prefs";
import { go, route, routeNamed } from "./route";
import { SessionKeeper } from "./session";

/** The app's folder on the server; the page itself lies in it. */
const BASE = "./";

export type Status = "starting" | "ready" | "failed";

export const status = signal<Status>("starting");
/** Why the app does not start; with `status` = `failed`. */
export const problem = signal<ApiError | null>(null);
export const config = signal<Config | null>(null);
export const person = signal<Person | null>(null);
export const me = signal<Me | null>(null);
export const models = signal<readonly Model[]>([]);
export const modelsFailed = signal(false);
/** Whether the list of models was asked for; before that there may be some. */
export const modelsKnown = signal(false);
export const history = signal<History | null>(null);

const keeper = new SessionKeeper(BASE);
export const api = new Api(BASE, keeper);

/** The model that questions go to: the person's choice while it is served, else the default. */
export const model = computed<Model | null>(() => {
  const all = models.value;
  return all.find((item) => item.name === prefs.value.model) ?? all[0] ?? null;
});

/** The price class of questions. */
export const priceClass = computed(() => {
  const chosen = prefs.value.priceClass;
  const known = me.value;
  if (!known) return chosen;
  return known.price_classes.includes(chosen) ? chosen : known.price_class;
});

/** What can be spent now: the rest of today's allowance and the balance. */
export const spendable = computed(() =>
  me.value ? me.value.balance_nano + me.value.free_left_nano : 0,
);

/** Read the account again, quietly: what is shown stays when it cannot be read. */
export async function refreshMe(): Promise<void> {
  try {
    me.value = await api.me();
  } catch {
    // The next call says what is wrong.
  }
}

export async function refreshModels(): Promise<void> {
  try {
    models.value = await api.models();
    modelsFailed.value = false;
  } catch {
    modelsFailed.value = models.value.length === 0;
  }
  modelsKnown.value = true;
}

/** The language that the person chose here, else Telegram's, else the browser's. */
export function pickLanguage(): Promise<void> {
  const wanted = [prefs.value.language, person.value?.language, ...navigator.languages];
  return setLanguage(bestLanguage(wanted));
}

async function openHistory(owner: string): Promise<void> {
  try {
    history.value = await History.open(`cocoon-${owner}`);
  } catch {
    history.value = null;
  }
}

/** Join Telegram, log in and read what the first screen shows. */
export async function boot(): Promise<void> {
  status.value = "starting";
  problem.value = null;
  try {
    const [read] = await Promise.all([
      readConfig(BASE),
      setLanguage(bestLanguage([earlyLanguage(), ...navigator.languages])),
    ]);
    config.value = read;
    document.title = read.title;
    start(read.stand_in ? { wallet: read.stand_in_wallet } : null);
    const { user: someone, start: asked } = await keeper.opened();
    person.value = someone;
    const owner = `${read.bot_id}-${someone.id}`;
    loadPrefs(owner);
    const models = refreshModels();
    const [account] = await Promise.all([api.me(), pickLanguage(), openHistory(owner)]);
    me.value = account;
    openAt(asked);
    status.value = "ready";
    await models;
  } catch (error) {
    problem.value = asApiError(error);
    status.value = "failed";
    if (!config.value) start(null);
  }
}

/** Show the screen that the link to the app asked for, once. */
function openAt(start: string): void {
  const asked = new URLSearchParams(window.location.search).get("screen");
  const wanted = routeNamed(asked) ?? routeNamed(start);
  if (wanted && route.value.name === "chat") go(wanted);
}

/** Telegram's `language_code`, before the service has checked who it is; shows texts only. */
function earlyLanguage(): string | undefined {
  try {
    const user = new URLSearchParams(initData() ?? "").get("user");
    return user ? (JSON.parse(user) as { language_code?: string }).language_code : undefined;
  } catch {
    return undefined;
  }
}
