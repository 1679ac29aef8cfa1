import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Topup } from "../api/types";
import { t } from "../i18n";
import { copy } from "../lib/device";
import { config } from "../state/app";
import { say } from "../state/toast";
import { amount } from "../ui/format";
import { CopyIcon, NextIcon, WalletIcon } from "../ui/icons";
import { Section } from "../ui/screen";
import type { WalletChoice } from "../wallet/connect";
import { walletStage } from "./paying";

/** The wallet's part is large, so it is loaded only when somebody pays with TON. */
const part = () => import("../wallet/connect");

interface Wallets {
  connected: string | null;
  choices: WalletChoice[];
}

async function look(): Promise<Wallets> {
  const { loadStandIn, restore, wallets } = await part();
  const standIn = config.value?.stand_in ? config.value.stand_in_wallet : null;
  if (standIn) await loadStandIn(standIn).catch(() => undefined);
  return { connected: await restore(), choices: await wallets() };
}

function useWallets(): { now: Wallets | null; again: () => void } {
  const [now, setNow] = useState<Wallets | null>(null);
  const again = () => {
    look().then(setNow, () => setNow({ connected: null, choices: [] }));
  };
  useEffect(again, []);
  return { now, again };
}

async function payWith(topup: Topup, choice: WalletChoice | null): Promise<void> {
  const transfer = topup.ton;
  if (!transfer) return;
  const { connected, pay } = await part();
  walletStage("asking");
  try {
    if (choice && !(await connected(choice, transfer.network))) {
      walletStage("wallet");
      say(t("topup_declined"));
      return;
    }
    const outcome = await pay(transfer);
    walletStage(outcome === "sent" ? "sent" : "wallet");
    if (outcome === "declined") say(t("topup_declined"));
  } catch {
    walletStage("wallet");
    say(t("topup_declined"));
  }
}

function Copyable({ name, value }: { name: string; value: string }): VNode {
  return (
    <div class="copyable">
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
        <button
          type="button"
          class="icon-button"
          aria-label={`${t("copy")}: ${name}`}
          onClick={async () => (await copy(value)) && say(t("copied"))}
        >
          <CopyIcon />
        </button>
      </dd>
    </div>
  );
}

function ByHand({ topup }: { topup: Topup }): VNode | null {
  if (!topup.ton) return null;
  return (
    <details class="card">
      <summary>{t("topup_other_wallet")}</summary>
      <p class="hint">{t("topup_other_lead")}</p>
      <dl>
        <Copyable name={t("topup_comment")} value={topup.ton.comment} />
        <Copyable name={t("topup_to")} value={topup.ton.address} />
        <Copyable name={t("topup_sum")} value={String(Number(topup.ton.amount) / 1e9)} />
      </dl>
    </details>
  );
}

/** Choose a wallet and have it pay. */
export function WalletStep({ topup, busy }: { topup: Topup; busy: boolean }): VNode {
  const { now, again } = useWallets();
  const disconnect = async () => {
    await (await part()).disconnect();
    again();
  };
  if (busy) return <p class="progress">{t("topup_wallet_open")}</p>;
  return (
    <>
      <Section title={t("topup_choose_wallet")} plain>
        <p class="hint">{t("topup_wallet_lead")}</p>
        {!now && <p class="progress">{t("loading")}</p>}
        {now?.connected && (
          <>
            <p>{t("topup_wallet_connected", { wallet: now.connected })}</p>
            <button type="button" class="primary wide" onClick={() => void payWith(topup, null)}>
              {t("topup_pay_ton", { amount: amount(topup.nano, "exact") })}
            </button>
            <button type="button" class="secondary wide" onClick={() => void disconnect()}>
              {t("topup_disconnect")}
            </button>
          </>
        )}
        {now && !now.connected && (
          <ul class="card wallets">
            {now.choices.map((choice) => (
              <li key={choice.name}>
                <button type="button" onClick={() => void payWith(topup, choice)}>
                  <WalletIcon />
                  <span>{choice.name}</span>
                  <NextIcon />
                </button>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <ByHand topup={topup} />
    </>
  );
}
