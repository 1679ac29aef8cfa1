import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { chat } from "../chat/chat";
import { t } from "../i18n";
import { pictureToDataUrl } from "../lib/pictures";
import { haptic } from "../platform/telegram";
import { me, model } from "../state/app";
import { say } from "../state/toast";
import { CloseIcon, PictureIcon, SendIcon, StopIcon } from "../ui/icons";

/** Highest that the field grows before it scrolls, in pixels. */
const TALLEST = 168;
const DRAFT = "cocoon-draft";

function keptDraft(): string {
  try {
    return sessionStorage.getItem(DRAFT) ?? "";
  } catch {
    return "";
  }
}

function keepDraft(text: string): void {
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // It is lost with a reload then.
  }
}

function grow(area: HTMLTextAreaElement): void {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, TALLEST)}px`;
}

function Pictures({
  urls,
  onRemove,
}: {
  urls: string[];
  onRemove: (index: number) => void;
}): VNode | null {
  if (urls.length === 0) return null;
  return (
    <ul class="pictures">
      {urls.map((url, index) => (
        <li key={url}>
          <img src={url} alt={t("picture_alt", { number: index + 1 })} />
          <button
            type="button"
            aria-label={t("remove_picture", { number: index + 1 })}
            onClick={() => onRemove(index)}
          >
            <CloseIcon />
          </button>
        </li>
      ))}
    </ul>
  );
}

async function readPictures(files: File[], room: number, limit: number): Promise<string[]> {
  if (files.length > room) say(t("pictures_most", { count: room }));
  const urls: string[] = [];
  for (const file of files.slice(0, Math.max(0, room))) {
    try {
      urls.push(await pictureToDataUrl(file, limit));
    } catch {
      say(t("picture_bad"));
    }
  }
  return urls;
}

/** Where a message is written. `draft` puts a beginning into it. */
export function Composer({ draft }: { draft: { text: string } | null }): VNode {
  const [text, setText] = useState(keptDraft);
  const [images, setImages] = useState<string[]>([]);
  const area = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const limits = me.value?.limits;
  const sees = Boolean(model.value?.inputs.includes("image") && limits && limits.images > 0);
  const over = Math.max(0, [...text].length - Math.floor((limits?.prompt_chars ?? 32_000) * 0.95));
  const running = chat.running.value !== null;
  const ready = (text.trim() !== "" || images.length > 0) && over === 0 && !running;

  useEffect(() => {
    if (area.current) grow(area.current);
    keepDraft(text);
  }, [text]);
  useEffect(() => {
    if (!draft) return;
    setText(draft.text);
    area.current?.focus();
  }, [draft]);

  const add = async (list: File[]) => {
    const room = (limits?.images ?? 0) - images.length;
    const added = await readPictures(list, room, limits?.image_bytes ?? 0);
    setImages((before) => [...before, ...added]);
  };
  const send = () => {
    if (!ready) return;
    haptic("tap");
    const question = text.trim();
    const pictures = sees ? images : [];
    setText("");
    setImages([]);
    void chat.ask(question, pictures);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    // On phones Enter makes a new line, as everywhere there.
    if (matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...(event.clipboardData?.files ?? [])].filter((file) =>
      /^image\//.test(file.type),
    );
    if (!sees || pasted.length === 0) return;
    event.preventDefault();
    void add(pasted);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Pictures
        urls={images}
        onRemove={(index) => setImages(images.filter((_, place) => place !== index))}
      />
      {over > 0 && (
        <p class="composer-over" role="alert">
          {t("too_long", { count: over })}
        </p>
      )}
      <div class="composer-row">
        {sees && (
          <>
            <button
              type="button"
              class="icon-button"
              aria-label={t("attach")}
              onClick={() => files.current?.click()}
            >
              <PictureIcon />
            </button>
            <input
              ref={files}
              type="file"
              accept="image/*"
              multiple
              hidden
              onChange={(event) => {
                void add([...(event.currentTarget.files ?? [])]);
                event.currentTarget.value = "";
              }}
            />
          </>
        )}
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label={t("message_label")}
          placeholder={t("message_placeholder")}
          enterkeyhint="enter"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKey}
          onPaste={onPaste}
        />
        {running ? (
          <button
            type="button"
            class="round"
            aria-label={t("stop")}
            onClick={() => {
              haptic("tap");
              chat.stop();
            }}
          >
            <StopIcon />
          </button>
        ) : (
          <button type="submit" class="round" aria-label={t("send")} disabled={!ready}>
            <SendIcon />
          </button>
        )}
      </div>
    </form>
  );
}
