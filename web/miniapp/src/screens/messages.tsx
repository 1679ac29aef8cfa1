import { Fragment, type VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { chat, cut } from "../chat/chat";
import { Announcer } from "../chat/speech";
import { t } from "../i18n";
import { DownIcon } from "../ui/icons";
import { Message } from "./message";

/** Nearer to the end than this, in pixels, the list follows the answer. */
const NEAR = 80;

/** Says the running answer sentence by sentence to people who do not see it. */
function Spoken(): VNode {
  const running = chat.running.value;
  const announcer = useMemo(() => new Announcer(), [running]);
  const [text, setText] = useState("");
  const last = chat.messages.value.at(-1);
  useEffect(() => {
    if (last?.role !== "assistant" || !running) return;
    const piece = announcer.next(last.text, performance.now(), false);
    if (piece) setText(piece);
  });
  const before = useRef<string | null>(null);
  useEffect(() => {
    if (before.current && !running && last?.state === "done") {
      setText(`${announcer.next(last.text, 0, true)} ${t("answer_done")}`);
    }
    before.current = running;
  }, [running]);
  return (
    <div class="visually-hidden" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  );
}

/** The messages of the conversation; follows the answer until the person scrolls away. */
export function Messages(): VNode {
  const box = useRef<HTMLElement>(null);
  const follows = useRef(true);
  const [away, setAway] = useState(false);
  const all = chat.messages.value;

  const toEnd = (smooth: boolean) => {
    const element = box.current;
    if (!element) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element.scrollTo({ top: element.scrollHeight, behavior: smooth && !calm ? "smooth" : "auto" });
  };
  const count = all.length;
  useLayoutEffect(() => {
    follows.current = true;
    toEnd(false);
  }, [count, chat.conversation.value?.id]);
  useLayoutEffect(() => {
    if (follows.current) toEnd(false);
  });
  useEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => follows.current && toEnd(false));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return (
    <div class="messages-frame">
      <section
        class="scroll messages"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
        aria-label={t("messages")}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < NEAR;
          setAway(!follows.current);
        }}
      >
        <ol class="column">
          {all.map((message) => (
            <Fragment key={message.id}>
              {message.id === cut.value && <li class="cut">{t("not_sent")}</li>}
              <Message message={message} />
            </Fragment>
          ))}
        </ol>
      </section>
      <Spoken />
      {away && (
        <button
          type="button"
          class="to-newest"
          aria-label={t("to_newest")}
          onClick={() => {
            follows.current = true;
            toEnd(true);
          }}
        >
          <DownIcon />
        </button>
      )}
    </div>
  );
}
