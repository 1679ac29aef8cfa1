import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { hasBackButton } from "../platform/telegram";
import { back } from "../state/route";
import { BackIcon } from "./icons";

interface Props {
  title: string;
  lead?: string;
  children: ComponentChildren;
  action?: ComponentChildren;
}

/** A screen above the chat: its title gets the focus, so that screen readers begin there. */
export function Screen({ title, lead, children, action }: Props): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <main class="screen" aria-labelledby="screen-title">
      <header class="bar">
        {!hasBackButton.value && (
          <button type="button" class="icon-button" aria-label={t("back")} onClick={back}>
            <BackIcon />
          </button>
        )}
        <h1 id="screen-title" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {action}
      </header>
      <div class="scroll">
        <div class="column">
          {lead && <p class="lead">{lead}</p>}
          {children}
        </div>
      </div>
    </main>
  );
}

/** A titled group of rows. */
export function Section({
  title,
  children,
  plain,
}: {
  title: string;
  children: ComponentChildren;
  plain?: boolean;
}): VNode {
  return (
    <section class="section">
      <h2>{title}</h2>
      <div class={plain ? undefined : "card"}>{children}</div>
    </section>
  );
}

/** A name and its value. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
