import type { Action, ErrorBody } from "./types";

/** What the service refused, or that it could not be reached (`code` is `offline`). */
export class ApiError extends Error {
  readonly code: string;
  readonly action: Action | null;
  readonly retryAfter: number | null;
  readonly missing: number | null;

  constructor(body: Partial<ErrorBody> & { code: string }) {
    super(body.message ?? body.code);
    this.code = body.code;
    this.action = body.action ?? null;
    this.retryAfter = body.retry_after ?? null;
    this.missing = body.missing_nano ?? null;
  }
}

/** The connection failed before the service said anything. */
export function offline(): ApiError {
  return new ApiError({ code: "offline", action: "retry" });
}

/** Whatever was thrown, as an {@link ApiError}; a stopped call stays an `AbortError`. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TypeError) return offline();
  return new ApiError({ code: "internal", action: "retry" });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
