import { useCallback, useEffect, useState } from "preact/hooks";
import { type ApiError, asApiError } from "../api/errors";

export interface Loaded<T> {
  value: T | null;
  error: ApiError | null;
  again: () => Promise<void>;
}

/** Something of the service, read when a screen opens. */
export function useLoad<T>(read: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const again = useCallback(async () => {
    setError(null);
    try {
      setValue(await read());
    } catch (thrown) {
      setError(asApiError(thrown));
    }
  }, []);
  useEffect(() => {
    void again();
  }, []);
  return { value, error, again };
}
