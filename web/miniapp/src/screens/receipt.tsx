import type { VNode } from "preact";
import type { Facts } from "../api/types";
import { chat } from "../chat/chat";
import { hasText, t } from "../i18n";
import { copy } from "../lib/device";
import { api } from "../state/app";
import { say } from "../state/toast";
import { moment, number, ton } from "../ui/format";
import { CopyIcon, ShieldCheckIcon, ShieldIcon } from "../ui/icons";
import { useLoad } from "../ui/load";
import { Loading } from "../ui/loading";
import { Fact, Screen, Section } from "../ui/screen";
import { Missing } from "./trust";

function Party({ title, party }: { title: string; party: Record<string, string> | null }): VNode {
  const rows = Object.entries(party ?? {}).filter(([, value]) => value);
  return (
    <Section title={title}>
      {rows.length === 0 && <p class="empty">{t("receipt_unknown")}</p>}
      <dl>
        {rows.map(([name, value]) => (
          <Fact key={name} name={partName(name)}>
            <code>{value}</code>
          </Fact>
        ))}
      </dl>
    </Section>
  );
}

function partName(name: string): string {
  if (name === "image") return t("image");
  if (name === "evidence") return t("evidence");
  if (name === "address") return t("address");
  return name === "owner" ? t("receipt_owner") : name;
}

function time(facts: Facts): string {
  const seconds = number(facts.seconds, 1);
  return facts.first_seconds === null
    ? t("receipt_time_text", { seconds })
    : t("receipt_time_first", { seconds, first: number(facts.first_seconds, 1) });
}

function Sums({ facts }: { facts: Facts }): VNode {
  const finish = `finish_${facts.finish}`;
  return (
    <section class="section">
      <dl class="card">
        <Fact name={t("receipt_paid")}>
          <strong>{ton(facts.charged_nano, "exact")}</strong>
        </Fact>
        <Fact name={t("receipt_cost")}>
          {ton(facts.cost_nano, "exact")}
          {facts.is_estimate && <small> ({t("receipt_estimate")})</small>}
        </Fact>
        <Fact name={t("model")}>{facts.model}</Fact>
        <Fact name={t("receipt_tokens")}>
          {t("receipt_tokens_text", {
            prompt: number(facts.prompt_tokens),
            completion: number(facts.completion_tokens),
          })}
        </Fact>
        <Fact name={t("receipt_time")}>{time(facts)}</Fact>
        <Fact name={t("receipt_at")}>{moment(facts.at)}</Fact>
        <Fact name={t("receipt_finish")}>{hasText(finish) ? t(finish) : facts.finish}</Fact>
      </dl>
    </section>
  );
}

function Details({ facts }: { facts: Facts }): VNode {
  const signed = facts.receipt !== null;
  const onCopy = async () => {
    if (await copy(JSON.stringify(facts, null, 2))) say(t("copied"));
  };
  return (
    <>
      <p class={`verdict ${signed ? "good" : "warn"}`}>
        {signed ? <ShieldCheckIcon /> : <ShieldIcon />}
        {t(signed ? "receipt_signed" : "receipt_unsigned")}
      </p>
      <Sums facts={facts} />
      <Party title={t("receipt_worker")} party={facts.worker} />
      <Party title={t("receipt_proxy")} party={facts.proxy} />
      <Section title={t("trust_not_checked")}>
        <Missing codes={facts.notes} />
      </Section>
      <button type="button" class="secondary wide" onClick={onCopy}>
        <CopyIcon />
        {t("receipt_copy")}
      </button>
    </>
  );
}

/** Facts of an answer: from the service, or as they were kept with the conversation. */
export function ReceiptScreen({ answer }: { answer: string }): VNode {
  const kept = chat.messages.value.find((message) => message.answer === answer)?.facts;
  const loaded = useLoad(async () => kept ?? (await api.facts(answer)));
  const gone = loaded.error?.code === "not_found";
  return (
    <Screen title={t("receipt")} lead={t("receipt_lead")}>
      {gone ? <p class="empty">{t("receipt_missing")}</p> : <Loading of={loaded} />}
      {loaded.value && <Details facts={loaded.value} />}
    </Screen>
  );
}
