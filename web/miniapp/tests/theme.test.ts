import { describe, expect, test } from "vitest";
import { contrast, parseHex, type Rgb } from "../src/platform/color";
import { applyPalette, palette } from "../src/platform/theme";

const THEMES = {
  none: {},
  "Telegram light": {
    bg_color: "#ffffff",
    text_color: "#000000",
    hint_color: "#999999",
    link_color: "#2481cc",
    button_color: "#2481cc",
    button_text_color: "#ffffff",
  },
  "Telegram dark": {
    bg_color: "#17212b",
    text_color: "#f5f5f5",
    hint_color: "#708499",
    link_color: "#6ab3f3",
    button_color: "#5288c1",
    button_text_color: "#ffffff",
  },
  unreadable: {
    bg_color: "#777777",
    text_color: "#787878",
    hint_color: "#777777",
    button_color: "#ffff00",
    button_text_color: "#ffffff",
    link_color: "#777777",
  },
  broken: { bg_color: "red", text_color: "url(x)", button_color: "#12" },
};

function color(variables: Readonly<Record<string, string>>, name: string): Rgb {
  const found = parseHex(variables[`--${name}`]);
  if (!found) throw new Error(name);
  return found;
}

describe.each(Object.entries(THEMES))("theme %s", (_, params) => {
  test.each([true, false])("can be read, dark %s", (dark) => {
    const { variables } = palette(params, dark);
    for (const name of ["text", "hint", "link", "danger", "green", "amber"]) {
      for (const ground of ["bg", "card", "well"]) {
        const ratio = contrast(color(variables, name), color(variables, ground));
        expect(ratio, `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    const onTint = contrast(color(variables, "text"), color(variables, "tint"));
    expect(onTint).toBeGreaterThanOrEqual(4.5);
    const label = contrast(color(variables, "on-button"), color(variables, "button"));
    expect(label).toBeGreaterThanOrEqual(4.5);
  });
});

test("a palette is put on the page as properties", () => {
  const root = document.createElement("div");
  applyPalette(palette(THEMES["Telegram dark"], false), root);
  expect(root.dataset.scheme).toBe("dark");
  expect(root.style.getPropertyValue("--bg")).toBe("#17212b");
});
