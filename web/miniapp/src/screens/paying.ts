import { signal } from "@preact/signals";
import { asApiError } from "../api/errors";
import type { Me, Topup } from "../api/types";
import { pause } from "../lib/device";
import { haptic, pay as payInvoice } from "../platform/telegram";
import { api, refreshMe } from "../state/app";

/** How far a top-up has come, as the person sees it. */
export type Stage =
  | { name: "choosing" }
  | { name: "wallet"; topup: Topup }
  | { name: "asking"; topup: Topup }
  | { name: "sent"; topup: Topup }
  | { name: "credited"; topup: Topup }
  | { name: "failed"; code: string };

/** Pause between two looks whether a payment has arrived, in milliseconds. */
const LOOK_EVERY = 2000;
/** After this time the screen stops looking; the service goes on. */
const LOOK_FOR = 15 * 60_000;

export const stage = signal<Stage>({ name: "choosing" });
let watching = "";

function fail(error: unknown): void {
  haptic("error");
  watching = "";
  stage.value = { name: "failed", code: asApiError(error).code };
}

/** Look until the payment has arrived, however the person sends it. */
async function watch(id: string): Promise<void> {
  watching = id;
  const end = Date.now() + LOOK_FOR;
  while (watching === id && Date.now() < end) {
    await pause(LOOK_EVERY);
    if (watching !== id) return;
    const now = await api.topup(id).catch(() => null);
    if (now?.state !== "paid") continue;
    watching = "";
    haptic("success");
    stage.value = { name: "credited", topup: now };
    await refreshMe();
  }
}

/** Begin anew; a payment that was sent is credited all the same. */
export function startOver(): void {
  watching = "";
  stage.value = { name: "choosing" };
}

export async function startTon(nano: number): Promise<void> {
  try {
    const topup = await api.order({ method: "ton", nano });
    stage.value = { name: "wallet", topup };
    void watch(topup.id);
  } catch (error) {
    fail(error);
  }
}

/** The wallet has been asked, or has paid. */
export function walletStage(name: "wallet" | "asking" | "sent"): void {
  const now = stage.value;
  if ("topup" in now && now.name !== "credited") stage.value = { name, topup: now.topup };
}

export async function startStars(stars: number): Promise<void> {
  try {
    const topup = await api.order({ method: "stars", stars });
    stage.value = { name: "asking", topup };
    const outcome = await payInvoice(topup.invoice_link ?? "");
    if (outcome === "unsupported" || outcome === "cancelled" || outcome === "failed") {
      stage.value = { name: "failed", code: `stars_${outcome}` };
      return;
    }
    stage.value = { name: "sent", topup };
    void watch(topup.id);
  } catch (error) {
    fail(error);
  }
}

/** Amounts of TON that are offered: the least one and what people usually take above it. */
export function offers(account: Pick<Me, "min_topup_nano" | "max_topup_nano">): number[] {
  const { min_topup_nano: least, max_topup_nano: most } = account;
  const steps = [1, 5, 20].map((factor) => least * factor).filter((nano) => nano <= most);
  return steps.length > 0 ? steps : [least];
}
