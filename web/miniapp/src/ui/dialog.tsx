import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../i18n";
import { onBack } from "../platform/telegram";
import { CloseIcon } from "./icons";

interface SheetProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A panel from below over the screen: keeps the focus inside, closes with Escape or back. */
export function Sheet({ title, onClose, children }: SheetProps): VNode {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    const off = onBack(onClose);
    return () => {
      off();
      if (dialog?.open) dialog.close();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, as dialogs do by themselves
    <dialog
      ref={ref}
      class="sheet"
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div class="sheet-body">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="icon-button" aria-label={t("close")} onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  onDone: (confirmed: boolean) => void;
}

/** Ask before something that cannot be undone, or that costs money. */
export function Confirm({ title, text, action, danger, onDone }: ConfirmProps): VNode {
  return (
    <Sheet title={title} onClose={() => onDone(false)}>
      <p class="sheet-text">{text}</p>
      <div class="row stretch">
        <button type="button" class="secondary" onClick={() => onDone(false)}>
          {t("cancel")}
        </button>
        <button type="button" class={danger ? "danger" : "primary"} onClick={() => onDone(true)}>
          {action}
        </button>
      </div>
    </Sheet>
  );
}
