import type { ComponentChildren, VNode } from "preact";
import type { ApiError } from "../api/errors";
import { hasText, type TextKey, t } from "../i18n";

/** An error's code in the person's language. */
export function errorText(code: string): string {
  const key = `error_${code}`;
  return t(hasText(key) ? key : "error_internal");
}

/** A code of `notes` or `not_checked` in the person's language; unknown ones as they are. */
export function noteText(code: string): string {
  const key = `note_${code}`;
  return hasText(key) ? t(key as TextKey) : code;
}

/** Something that went wrong, with what helps. */
export function Notice({
  error,
  children,
}: {
  error: Pick<ApiError, "code">;
  children?: ComponentChildren;
}): VNode {
  return (
    <div class="notice" role="alert">
      <p>{errorText(error.code)}</p>
      {children}
    </div>
  );
}
