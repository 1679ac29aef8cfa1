import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { chat } from "../chat/chat";
import type { StoredMessage } from "../history/db";
import { t } from "../i18n";
import { copy } from "../lib/device";
import { Markdown } from "../markdown/view";
import { haptic } from "../platform/telegram";
import { go } from "../state/route";
import { say } from "../state/toast";
import { Confirm } from "../ui/dialog";
import { ton } from "../ui/format";
import { CopyIcon, FileIcon, RetryIcon } from "../ui/icons";
import { errorText } from "../ui/notice";

function Question({ message }: { message: StoredMessage }): VNode {
  return (
    <li class="question">
      <h2 class="visually-hidden">{t("you")}</h2>
      {message.images.map((url, index) => (
        <img key={url.slice(-40)} src={url} alt={t("picture_alt", { number: index + 1 })} />
      ))}
      {message.text && <p>{message.text}</p>}
    </li>
  );
}

/** What the person can do about an answer that did not come. */
function Remedy({ message }: { message: StoredMessage }): VNode {
  const code = message.error?.code ?? "offline";
  const missing = message.error?.missing;
  const anew = code === "answered" || code === "model_not_found";
  return (
    <div class="remedy" role="alert">
      <p>
        {code === "offline" ? t("answer_lost") : errorText(code)}
        {missing ? ` ${t("missing", { amount: ton(missing).replace(/ TON$/, "") })}` : ""}
      </p>
      <div class="row">
        {code === "insufficient_funds" && (
          <button type="button" class="primary small" onClick={() => go({ name: "topup" })}>
            {t("budget_topup")}
          </button>
        )}
        <button
          type="button"
          class="secondary small"
          onClick={() => void chat.retry(message.id, anew)}
        >
          <RetryIcon />
          {anew ? t("retry_new") : t("retry")}
        </button>
      </div>
      <p class="hint">{anew ? t("retry_new_text") : t("retry_free")}</p>
    </div>
  );
}

function Actions({ message }: { message: StoredMessage }): VNode {
  const [asking, setAsking] = useState(false);
  const charged = message.facts?.charged_nano;
  const onCopy = async () => {
    if (!(await copy(message.text))) return;
    haptic("success");
    say(t("copied"));
  };
  return (
    <div class="actions">
      <button type="button" class="quiet" aria-label={t("copy")} onClick={onCopy}>
        <CopyIcon />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={t("edit")}
        disabled={chat.running.value !== null}
        onClick={() => setAsking(true)}
      >
        <RetryIcon />
      </button>
      {charged !== undefined && message.answer && (
        <button
          type="button"
          class="quiet"
          onClick={() => go({ name: "receipt", answer: message.answer ?? "" })}
        >
          <FileIcon />
          {charged === 0 ? t("receipt_free") : t("receipt_of", { amount: ton(charged) })}
        </button>
      )}
      {asking && (
        <Confirm
          title={t("retry_new")}
          text={t("retry_new_text")}
          action={t("retry_new")}
          onDone={(yes) => {
            setAsking(false);
            if (yes) void chat.retry(message.id, true);
          }}
        />
      )}
    </div>
  );
}

function Answer({ message }: { message: StoredMessage }): VNode {
  const streaming = message.state === "streaming";
  const broken = message.state === "lost" || message.state === "failed";
  const cut = message.facts?.finish === "length";
  return (
    <li class="answer" aria-busy={streaming}>
      <h2 class="visually-hidden">{t("assistant")}</h2>
      {message.text ? (
        <Markdown text={message.text} />
      ) : (
        streaming && (
          <p class="waiting">
            <span class="visually-hidden">{t("thinking")}</span>
            <i />
            <i />
            <i />
          </p>
        )
      )}
      {message.state === "done" && !message.text && <p class="hint">{t("answer_empty")}</p>}
      {message.state === "stopped" && <p class="hint">{t("answer_stopped")}</p>}
      {cut && <p class="hint">{t("answer_length")}</p>}
      {broken && <Remedy message={message} />}
      {!streaming && (message.text !== "" || message.facts) && <Actions message={message} />}
    </li>
  );
}

export function Message({ message }: { message: StoredMessage }): VNode {
  return message.role === "user" ? <Question message={message} /> : <Answer message={message} />;
}
