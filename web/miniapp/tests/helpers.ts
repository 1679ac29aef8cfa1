import type { Facts, Limits, Me } from "../src/api/types";

export function limits(change: Partial<Limits> = {}): Limits {
  return {
    prompt_chars: 1000,
    messages: 20,
    images: 2,
    image_bytes: 100_000,
    body_bytes: 1_000_000,
    max_tokens: 100,
    ...change,
  };
}

export function account(): Me {
  return { limits: limits() } as Me;
}

export function facts(id: string, finish: string = "stop"): Facts {
  return {
    id,
    at: 1,
    model: "m",
    finish,
    cost_nano: 5,
    charged_nano: 6,
    is_estimate: false,
    prompt_tokens: 1,
    completion_tokens: 1,
    seconds: 1,
    first_seconds: 0.1,
    proxy: {},
    worker: null,
    sealed: false,
    receipt: null,
    notes: [],
  };
}
