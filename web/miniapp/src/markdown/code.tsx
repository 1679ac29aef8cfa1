import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { copy } from "../lib/device";
import { haptic } from "../platform/telegram";
import { CheckIcon, CopyIcon } from "../ui/icons";

/** A block of code with a button that copies it. */
export function Code({ text, language }: { text: string; language: string }): VNode {
  const [copied, setCopied] = useState(false);
  const onCopy = async () => {
    if (!(await copy(text))) return;
    haptic("success");
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  const name = language || t("code_plain");
  return (
    <figure class="code">
      <figcaption>
        <span>{name}</span>
        <button type="button" class="quiet" onClick={onCopy}>
          {copied ? <CheckIcon /> : <CopyIcon />}
          <span aria-live="polite">{copied ? t("copied") : t("copy")}</span>
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/useSemanticElements: a group, or blocks of one language are landmarks of one name */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section role="group" tabIndex={0} aria-label={t("code_label", { language: name })}>
        <pre>
          <code>{text}</code>
        </pre>
      </section>
    </figure>
  );
}
