import { signal } from "@preact/signals";

/** What a person chose; kept on the device. Empty means the service's own. */
export interface Prefs {
  model: string;
  priceClass: string;
  system: string;
  language: string;
}

const NONE: Prefs = { model: "", priceClass: "", system: "", language: "" };
let key = "";

export const prefs = signal<Prefs>(NONE);

/** Read what the person `owner` chose on this device. */
export function loadPrefs(owner: string): void {
  key = `cocoon-prefs-${owner}`;
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Prefs>;
    const clean = Object.fromEntries(
      Object.keys(NONE).map((name) => {
        const value = kept[name as keyof Prefs];
        return [name, typeof value === "string" ? value : ""];
      }),
    );
    prefs.value = { ...NONE, ...clean };
  } catch {
    prefs.value = NONE;
  }
}

export function changePrefs(change: Partial<Prefs>): void {
  prefs.value = { ...prefs.value, ...change };
  try {
    localStorage.setItem(key, JSON.stringify(prefs.value));
  } catch {
    // A web view without storage keeps them until it is closed.
  }
}
