import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const OUT = join(import.meta.dirname, "../../../src/cocoon/telegram/miniapp");
/** Bytes of the first load, compressed with gzip: page, its script and its styles. */
const MOST = 90_000;

test.runIf(existsSync(join(OUT, "index.html")))("the first load is small", () => {
  const page = readFileSync(join(OUT, "index.html"), "utf8");
  const files = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  expect(files.length).toBeGreaterThanOrEqual(2);
  for (const file of files) expect(file).toMatch(/-[\w-]{8}\.\w+$/);
  const total = ["index.html", ...files].reduce(
    (sum, file) => sum + statSync(join(OUT, `${file}.gz`)).size,
    0,
  );
  expect(total).toBeLessThan(MOST);
  expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
});
