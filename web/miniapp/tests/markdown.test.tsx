import { render } from "preact";
import { describe, expect, test } from "vitest";
import { decodeEntities, safeHref } from "../src/markdown/links";
import { Markdown } from "../src/markdown/view";

function shown(text: string): HTMLElement {
  const root = document.createElement("div");
  render(<Markdown text={text} />, root);
  return root;
}

describe("what an answer cannot do", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "text <b onclick=alert(1)>bold</b>",
    "<iframe src='https://example.com'></iframe>",
    "- item <style>*{display:none}</style>",
    "| a |\n|---|\n| <svg onload=alert(1)> |",
  ])("%s is text", (text) => {
    const root = shown(text);
    expect(root.querySelector("script,img,iframe,style,svg[onload],b")).toBeNull();
    expect(root.textContent).toContain("<");
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//example.com",
  ])("%s is no link", (href) => {
    expect(safeHref(href)).toBeNull();
  });

  test("links open outside and tell nobody where they were", () => {
    const link = shown("[a](https://example.com/)").querySelector("a");
    expect(link?.rel).toBe("noopener noreferrer");
    expect(link?.target).toBe("_blank");
  });

  test("pictures are never loaded", () => {
    const root = shown("![alt](https://example.com/x.png)");
    expect(root.querySelector("img")).toBeNull();
    expect(root.textContent).toBe("alt");
  });
});

describe("what is drawn", () => {
  test("blocks", () => {
    const root = shown(
      "# T\n\n1. a\n2. b\n\n> q\n\n```py\nx < 1\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done",
    );
    expect(root.querySelector("h3")?.textContent).toBe("T");
    expect(root.querySelectorAll("ol li")).toHaveLength(2);
    expect(root.querySelector("pre")?.textContent).toBe("x < 1");
    expect(root.querySelector("td.align-right")?.textContent).toBe("2");
    expect(root.querySelector<HTMLInputElement>("input[type=checkbox]")?.checked).toBe(true);
  });

  test("every beginning of an answer", () => {
    const text =
      "**bold** `code` [link](https://a.b)\n\n```js\nlet a = `x`\n```\n| a |\n|---|\n| 1 |\n<div>";
    for (let end = 0; end <= text.length; end++)
      expect(() => shown(text.slice(0, end))).not.toThrow();
  });

  test("characters that HTML names", () => {
    expect(decodeEntities("a &amp; b &lt; &#8364; &#x1F600; &#xD800; &bogus;")).toBe(
      "a & b < € 😀 &#xD800; &bogus;",
    );
    expect(shown("5 &lt; 6 & 7").textContent).toBe("5 < 6 & 7");
  });
});

test("blocks of code and tables are groups: landmarks of one name could not be told apart", () => {
  const code = "```python\na = 1\n```\n";
  const root = shown(`${code}\n${code}\n| a |\n|---|\n| 1 |\n\n| b |\n|---|\n| 2 |`);
  const scrollers = [...root.querySelectorAll("section")];
  expect(scrollers.map((node) => node.getAttribute("role"))).toEqual(Array(4).fill("group"));
});
