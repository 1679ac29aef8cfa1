import { describe, expect, test } from "vitest";
import { bestLanguage, languages, setLanguage, type Texts, t } from "../src/i18n";
import en from "../src/texts/en.json";

const files = import.meta.glob<{ default: Texts }>("../src/texts/*.json", { eager: true });
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, "");
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

describe.each(Object.entries(files))("%s", (path, { default: texts }) => {
  const name = path.slice(path.lastIndexOf("/") + 1, -".json".length);
  const english = en as Texts;

  test("has the keys of English", () => {
    const keys = (of: Texts) => [...new Set(Object.keys(of).map(base))].sort();
    expect(keys(texts)).toEqual(keys(english));
  });

  test("has every plural form of its language", () => {
    const forms = new Intl.PluralRules(name).resolvedOptions().pluralCategories;
    const plural = Object.keys(english).filter((key) => key.endsWith("_other"));
    for (const key of plural)
      for (const form of forms) expect(texts).toHaveProperty(`${base(key)}_${form}`);
  });

  test("has the same placeholders", () => {
    for (const [key, text] of Object.entries(texts)) {
      const model = english[key] ?? english[`${base(key)}_other`] ?? "";
      expect(holes(text), key).toEqual(holes(model));
      expect(text.trim(), key).not.toBe("");
    }
  });
});

test("there are English, Russian and Indonesian", () => {
  expect([...languages].sort()).toEqual(["en", "id", "ru"]);
});

test("the first language that there is, else English", () => {
  expect(bestLanguage([undefined, "ru-RU"])).toBe("ru");
  expect(bestLanguage(["fr", "ID"])).toBe("id");
  expect(bestLanguage(["fr"])).toBe("en");
});

test("plural forms and parameters", async () => {
  await setLanguage("ru");
  expect(t("steps", { count: 1 })).toBe("1 шаг проверки");
  expect(t("steps", { count: 3 })).toBe("3 шага проверки");
  expect(t("steps", { count: 11 })).toBe("11 шагов проверки");
  await setLanguage("en");
  expect(t("ton", { amount: "1" })).toBe("1 TON");
  expect(document.documentElement.lang).toBe("en");
});
