/** What the service of `npm run dev` answers: nothing of it is real. */

const NANO = 1_000_000_000;

export const config = {
  title: "Cocoon",
  bot_id: 42,
  stand_in: true,
  stand_in_wallet: null,
  ton_network: "-3",
};

export const session = {
  token: "dev",
  expires: 4_000_000_000,
  user: { id: 7, first_name: "Ada", language: "en" },
  start_param: "",
};

export const me = {
  balance_nano: 1.284 * NANO,
  free_left_nano: 0.031 * NANO,
  free_daily_nano: 0.05 * NANO,
  held_nano: 0,
  price_class: "standard",
  price_classes: ["economy", "standard", "any"],
  default_model: "",
  language: "en",
  languages: ["en", "ru", "id"],
  ton: true,
  stars: true,
  nano_per_star: 8_000_000,
  star_packs: [50, 250, 1000],
  min_topup_nano: NANO / 10,
  max_topup_nano: 1000 * NANO,
  limits: {
    prompt_chars: 32_000,
    messages: 40,
    images: 4,
    image_bytes: 1_000_000,
    body_bytes: 8_000_000,
    max_tokens: 1024,
  },
  notes: [] as string[],
};

const SERVED = {
  price_classes: ["standard", "any"],
  context: 131_072,
  workers: 12,
  free_workers: 5,
  evidence: ["tdx"],
  simulated: false,
  default: false,
};

export const models = {
  models: [
    {
      ...SERVED,
      name: "qwen3-32b",
      title: "Qwen3 32B",
      inputs: ["text", "image"],
      price_nano_per_million: 240_000_000,
      price_classes: ["economy", "standard", "any"],
      default: true,
    },
    {
      ...SERVED,
      name: "gpt-oss-120b",
      title: "gpt-oss 120B",
      inputs: ["text"],
      price_nano_per_million: 610_000_000,
      workers: 4,
      free_workers: 1,
    },
    {
      ...SERVED,
      name: "smollm2-135m",
      title: "SmolLM2 135M (demonstration)",
      inputs: ["text"],
      price_nano_per_million: 1_200_000,
      context: 2048,
      evidence: ["simulated-tdx"],
      simulated: true,
    },
  ],
};

const IMAGE = "9f2c4e7a1b0d3c5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6";

export const facts = {
  at: 1_795_390_000,
  model: "qwen3-32b",
  finish: "stop",
  cost_nano: 81_300,
  charged_nano: 89_430,
  is_estimate: false,
  prompt_tokens: 214,
  completion_tokens: 188,
  seconds: 4.7,
  first_seconds: 0.4,
  proxy: {
    image: IMAGE,
    evidence: "tdx",
    address: "EQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XggGG",
  },
  worker: {
    image: IMAGE,
    evidence: "tdx",
    owner: "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2",
  },
  sealed: false,
  receipt: null,
  notes: ["server_reads", "worker_by_proxy", "no_receipts"],
};

export const trust = {
  verified: true,
  simulated: false,
  verification: {
    proxies: [
      {
        address: facts.proxy.address,
        endpoint: "proxy-1.example:8888",
        verified: true,
        failure: null,
        kind: "tdx",
        simulated: false,
        image_hash: IMAGE,
        policy: "production",
        claims: [
          { name: "genuine hardware", verdict: "proven", reason: "the chain ends at Intel's root" },
          { name: "known image", verdict: "proven", reason: "the root contract lists its hash" },
          { name: "fresh", verdict: "unknown", reason: "no counter of the chain is bound yet" },
        ],
        steps: [
          {
            number: 1,
            name: "certificate",
            layer: "tls",
            outcome: "passed",
            reason: "the key signed it itself",
            fix: "",
          },
          {
            number: 2,
            name: "quote",
            layer: "tdx",
            outcome: "passed",
            reason: "signed below Intel's root",
            fix: "",
          },
          {
            number: 3,
            name: "debug",
            layer: "tdx",
            outcome: "passed",
            reason: "the domain cannot be debugged",
            fix: "",
          },
        ],
      },
    ],
    workers: [{ model: "qwen3-32b", image_hash: IMAGE, evidence: "tdx" }],
  },
  server_reads: true,
  sealed: false,
  receipts: false,
  not_checked: facts.notes,
};

export function usage(days: number): object {
  const today = Date.UTC(2026, 10, 22);
  return {
    days: Array.from({ length: days }, (_, index) => {
      const busy = (index * 7) % 5 !== 0 && index > 3;
      const used = busy ? ((index * 37) % 90) * 1_000_000 : 0;
      return {
        day: new Date(today - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10),
        answers: busy ? ((index * 5) % 9) + 1 : 0,
        free_nano: Math.min(used, 0.05 * NANO),
        paid_nano: Math.max(0, used - 0.05 * NANO),
        topped_up_nano: index === 12 ? 2 * NANO : 0,
      };
    }),
  };
}

const TOPUP = {
  method: "ton",
  state: "paid",
  stars: 0,
  refundable: false,
  ton: null,
  invoice_link: null,
};

export const topups = [
  {
    ...TOPUP,
    id: "T2",
    method: "stars",
    nano: 2 * NANO,
    stars: 250,
    created: 1_795_300_000,
    refundable: true,
  },
  { ...TOPUP, id: "T1", nano: 2 * NANO, created: 1_794_300_000 },
];

export const transfer = {
  address: "UQBvW8Z5huBkMJYdnfAEM5JqTNkuWX3diqYENkWsIL0XgkxE",
  amount: "500000000",
  payload: "te6cckEBAQEAEAAAHAAAAABjb2Nvb246VDPeYVkW",
  comment: "cocoon:T3",
  valid_until: 4_000_000_000,
  network: "-3",
};

export const ANSWER = `Think of a **mailbox with two keys**.

Anyone can drop a letter through the slot – that is the *public key*. Only you hold the key that opens the door – that is the *private key*.

1. You hand out the slot freely.
2. A friend drops in a letter. Not even they can take it out again.
3. You open the door and read.

In code, with a library you would not write yourself:

\`\`\`python
box = SealedBox(your_public_key)
letter = box.encrypt(b"Lunch at noon?")
print(your_private_key.decrypt(letter))  # only you can do this line
\`\`\`

| who | has | can |
|---|---|---|
| everyone | public key | encrypt |
| you | private key | decrypt, sign |

> The hard part is not the locking, but knowing whose mailbox it is.

More: [how keys are checked](https://en.wikipedia.org/wiki/Public-key_cryptography).
`;
