import type { VNode } from "preact";
import { t } from "../i18n";
import type { Loaded } from "./load";
import { Notice } from "./notice";

/** What stands where something is being read, or could not be. */
export function Loading({ of }: { of: Loaded<unknown> }): VNode | null {
  if (of.error)
    return (
      <Notice error={of.error}>
        <button type="button" class="secondary" onClick={() => void of.again()}>
          {t("retry")}
        </button>
      </Notice>
    );
  if (of.value !== null) return null;
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">{t("loading")}</span>
      <i />
      <i />
      <i />
    </div>
  );
}
