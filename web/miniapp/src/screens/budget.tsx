import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { asApiError } from "../api/errors";
import type { Me, UsageDay } from "../api/types";
import { t } from "../i18n";
import { saveFile } from "../lib/device";
import { api, me, refreshMe, spendable } from "../state/app";
import { go } from "../state/route";
import { say } from "../state/toast";
import { Meter, UsageChart, UsageTable } from "../ui/chart";
import { amount, ton } from "../ui/format";
import { FileIcon } from "../ui/icons";
import { useLoad } from "../ui/load";
import { Loading } from "../ui/loading";
import { errorText } from "../ui/notice";
import { Fact, Screen, Section } from "../ui/screen";

const DAYS = 30;

function Balance({ account }: { account: Me }): VNode {
  const { free_left_nano: left, free_daily_nano: daily } = account;
  const free = t("budget_free_text", { left: amount(left), daily: amount(daily) });
  return (
    <section class="balance card">
      <h2>{t("budget_spendable")}</h2>
      <p class="sum">{ton(spendable.value)}</p>
      {daily > 0 && <Meter left={left} of={daily} label={t("budget_free")} />}
      {daily > 0 && <p class="hint">{free}</p>}
      <dl>
        <Fact name={t("budget_paid")}>{ton(account.balance_nano)}</Fact>
        {account.held_nano > 0 && <Fact name={t("budget_held")}>{ton(account.held_nano)}</Fact>}
      </dl>
      {(account.ton || account.stars) && (
        <button type="button" class="primary wide" onClick={() => go({ name: "topup" })}>
          {t("budget_topup")}
        </button>
      )}
    </section>
  );
}

function Usage({ days }: { days: UsageDay[] }): VNode {
  const used = days.some((item) => item.answers > 0 || item.topped_up_nano > 0);
  if (!used) return <p class="empty">{t("usage_none")}</p>;
  return (
    <>
      <UsageChart days={days} />
      <p class="legend">
        <span class="free">{t("usage_free")}</span>
        <span class="paid">{t("usage_paid")}</span>
      </p>
      <details>
        <summary>{t("usage_table")}</summary>
        <UsageTable days={days} />
      </details>
    </>
  );
}

async function download(format: "csv" | "json"): Promise<void> {
  try {
    const blob = await api.ledger(format);
    await saveFile(blob, format === "csv" ? "ledger.csv" : "ledger.jsonl");
  } catch (error) {
    say(errorText(asApiError(error).code));
  }
}

function Download({ format, label }: { format: "csv" | "json"; label: string }): VNode {
  return (
    <button
      type="button"
      class="secondary"
      aria-label={label}
      onClick={() => void download(format)}
    >
      <FileIcon />
      {format.toUpperCase()}
    </button>
  );
}

export function BudgetScreen(): VNode {
  const usage = useLoad(() => api.usage(DAYS));
  useEffect(() => void refreshMe(), []);
  return (
    <Screen title={t("budget")}>
      {me.value && <Balance account={me.value} />}
      <Section title={t("usage_title", { count: DAYS })}>
        <Loading of={usage} />
        {usage.value && <Usage days={usage.value} />}
      </Section>
      <Section title={t("ledger")} plain>
        <div class="row stretch">
          <Download format="csv" label={t("ledger_csv")} />
          <Download format="json" label={t("ledger_json")} />
        </div>
      </Section>
    </Screen>
  );
}
