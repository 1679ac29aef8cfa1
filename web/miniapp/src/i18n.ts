import { computed, signal } from "@preact/signals";
import en from "./texts/en.json";

/** A language's texts; plural forms are keys that end in `_one`, `_few`, `_many`, `_other`. */
export type Texts = Readonly<Record<string, string>>;

type Plural = "_zero" | "_one" | "_two" | "_few" | "_many" | "_other";
type Key = keyof typeof en;
/** Keys of the texts, without the endings of plural forms. */
export type TextKey = Key extends infer K ? (K extends `${infer Base}${Plural}` ? Base : K) : never;

const loaders = import.meta.glob<{ default: Texts }>(["./texts/*.json", "!./texts/en.json"]);
const names = Object.keys(loaders).map((path) => path.slice("./texts/".length, -".json".length));

/** Languages that there are texts for; a further one is a further file in `texts/`. */
export const languages: readonly string[] = ["en", ...names.sort()];

/** BCP 47 name of the language that is shown. */
export const language = signal("en");
const texts = signal<Texts>(en);

/** The best of our languages for any of `wanted`, such as Telegram's `language_code`. */
export function bestLanguage(wanted: readonly (string | undefined)[]): string {
  for (const name of wanted) {
    const base = name?.toLowerCase().split(/[-_]/)[0];
    if (base && languages.includes(base)) return base;
  }
  return "en";
}

/** Change the language; falls back to English when its texts cannot be loaded. */
export async function setLanguage(name: string): Promise<void> {
  const load = loaders[`./texts/${name}.json`];
  try {
    texts.value = load ? { ...en, ...(await load()).default } : en;
    language.value = load ? name : "en";
  } catch {
    texts.value = en;
    language.value = "en";
  }
  document.documentElement.lang = language.value;
}

const plurals = computed(() => new Intl.PluralRules(language.value));

export type Params = Readonly<Record<string, string | number>>;

/** The text of a key in the language that is shown; a parameter `count` chooses the plural form. */
export function t(key: TextKey, params: Params = {}): string {
  const table = texts.value;
  let text = table[key];
  if (typeof params.count === "number") {
    text = table[`${key}_${plurals.value.select(params.count)}`] ?? table[`${key}_other`] ?? text;
  }
  return fill(text ?? key, params);
}

/** Whether there is a text of this name; for codes that the service sends. */
export function hasText(key: string): key is TextKey {
  return key in texts.value;
}

function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}
