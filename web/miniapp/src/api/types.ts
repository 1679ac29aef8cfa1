/** The shapes of the service's API, as docs/reference/telegram-app-api.md lists them. Money is nanoTON, times are Unix seconds. */

export type Action = "login" | "reopen" | "topup" | "wait" | "retry" | "change";

export interface ErrorBody {
  code: string;
  message: string;
  action: Action | null;
  retry_after: number | null;
  missing_nano: number | null;
}

/** `GET /app/config.json`. */
export interface Config {
  title: string;
  bot_id: number;
  stand_in: boolean;
  stand_in_wallet: string | null;
  ton_network: string;
}

export interface Person {
  id: number;
  first_name: string;
  language: string;
}

export interface Session {
  token: string;
  expires: number;
  user: Person;
  start_param: string;
}

export interface Limits {
  prompt_chars: number;
  messages: number;
  images: number;
  image_bytes: number;
  body_bytes: number;
  max_tokens: number;
}

export interface Me {
  balance_nano: number;
  free_left_nano: number;
  free_daily_nano: number;
  held_nano: number;
  price_class: string;
  price_classes: string[];
  default_model: string;
  language: string;
  languages: string[];
  ton: boolean;
  stars: boolean;
  nano_per_star: number;
  star_packs: number[];
  min_topup_nano: number;
  max_topup_nano: number;
  limits: Limits;
  notes: string[];
}

export interface Model {
  name: string;
  title: string;
  inputs: string[];
  context: number;
  price_nano_per_million: number | null;
  price_classes: string[];
  workers: number;
  free_workers: number;
  evidence: string[];
  simulated: boolean;
  default: boolean;
}

export interface ChatMessage {
  role: "user" | "assistant";
  content: string;
  images?: string[];
}

export interface ChatRequest {
  id: string;
  messages: ChatMessage[];
  model?: string;
  price_class?: string;
  system?: string;
}

/** Who computed an answer and what it cost. */
export interface Facts {
  id: string;
  at: number;
  model: string;
  finish: string;
  cost_nano: number;
  charged_nano: number;
  is_estimate: boolean;
  prompt_tokens: number;
  completion_tokens: number;
  seconds: number;
  first_seconds: number | null;
  proxy: Record<string, string>;
  worker: Record<string, string> | null;
  sealed: boolean;
  receipt: Record<string, unknown> | null;
  notes: string[];
}

/** A step of a verification, as `cocoon.Verification.to_dict()` tells it. */
export interface Step {
  number: number;
  outcome: string;
  layer: string;
  name: string;
  reason: string;
}

export interface Claim {
  name: string;
  verdict: string;
  reason: string;
}

export interface ProxyCheck {
  address: string;
  endpoint: string;
  verified: boolean;
  failure: string | null;
  kind: string;
  simulated: boolean;
  image_hash: string;
  policy: string;
  claims?: Claim[];
  steps?: Step[];
}

export interface WorkerCheck {
  model: string;
  image_hash: string;
  evidence: string;
}

export interface Trust {
  verified: boolean;
  simulated: boolean;
  verification: { proxies: ProxyCheck[]; workers: WorkerCheck[] } | null;
  server_reads: boolean;
  sealed: boolean;
  receipts: boolean;
  not_checked: string[];
}

export interface UsageDay {
  day: string;
  answers: number;
  free_nano: number;
  paid_nano: number;
  topped_up_nano: number;
}

export interface TonTransfer {
  address: string;
  amount: string;
  payload: string;
  comment: string;
  valid_until: number;
  network: string;
}

export interface Topup {
  id: string;
  method: "ton" | "stars";
  state: "open" | "paid" | "refunding" | "refunded";
  nano: number;
  stars: number;
  created: number;
  refundable: boolean;
  ton: TonTransfer | null;
  invoice_link: string | null;
}
