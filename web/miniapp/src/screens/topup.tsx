import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asApiError } from "../api/errors";
import type { Me, Topup } from "../api/types";
import { hasText, t } from "../i18n";
import { parseTon } from "../lib/money";
import { api, me, refreshMe } from "../state/app";
import { go } from "../state/route";
import { say } from "../state/toast";
import { Confirm } from "../ui/dialog";
import { amount, moment } from "../ui/format";
import { CheckIcon, DiamondIcon, StarIcon } from "../ui/icons";
import { type Loaded, useLoad } from "../ui/load";
import { Loading } from "../ui/loading";
import { errorText } from "../ui/notice";
import { Screen, Section } from "../ui/screen";
import { offers, stage, startOver, startStars, startTon } from "./paying";
import { WalletStep } from "./wallet";

type Method = "ton" | "stars";

function Methods({ method, onPick }: { method: Method; onPick: (method: Method) => void }): VNode {
  const choices: Array<[Method, () => VNode, string]> = [
    ["ton", DiamondIcon, "TON"],
    ["stars", StarIcon, "Stars"],
  ];
  return (
    <fieldset class="segments">
      <legend>{t("topup_with")}</legend>
      <div>
        {choices.map(([name, Icon, title]) => (
          <label key={name}>
            <input
              type="radio"
              name="method"
              checked={method === name}
              onChange={() => onPick(name)}
            />
            <span>
              <Icon />
              {title}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function TonForm({ account }: { account: Me }): VNode {
  const choices = offers(account);
  const [text, setText] = useState(() => String((choices[1] ?? choices[0] ?? 0) / 1e9));
  const nano = parseTon(text);
  const range = { least: amount(account.min_topup_nano), most: amount(account.max_topup_nano) };
  const fits = nano !== null && nano >= account.min_topup_nano && nano <= account.max_topup_nano;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (fits) void startTon(nano);
      }}
    >
      <div class="packs">
        {choices.map((choice) => (
          <button
            type="button"
            key={choice}
            aria-pressed={nano === choice}
            onClick={() => setText(String(choice / 1e9))}
          >
            {t("topup_pack", { amount: amount(choice) })}
          </button>
        ))}
      </div>
      <label class="field">
        <span>{t("topup_amount")}</span>
        <input
          inputMode="decimal"
          autocomplete="off"
          value={text}
          aria-invalid={!fits}
          aria-describedby="amount-hint"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <small id="amount-hint" class={fits ? undefined : "danger-text"}>
          {fits ? t("topup_amount_hint", range) : t("topup_amount_bad", range)}
        </small>
      </label>
      <button type="submit" class="primary wide" disabled={!fits}>
        {t("topup_pay_ton", { amount: fits ? amount(nano, "exact") : "–" })}
      </button>
    </form>
  );
}

function StarsForm({ account }: { account: Me }): VNode {
  return (
    <ul class="card packs-list">
      {account.star_packs.map((stars) => (
        <li key={stars}>
          <button type="button" onClick={() => void startStars(stars)}>
            <StarIcon />
            <span>{t("topup_pay_stars", { count: stars })}</span>
            <span class="value">
              {t("topup_pack", { amount: amount(stars * account.nano_per_star) })}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Choosing({ account }: { account: Me }): VNode {
  const [method, setMethod] = useState<Method>(account.ton ? "ton" : "stars");
  if (!account.ton && !account.stars) return <p class="empty">{t("topup_none")}</p>;
  return (
    <>
      {account.ton && account.stars && <Methods method={method} onPick={setMethod} />}
      {method === "ton" ? <TonForm account={account} /> : <StarsForm account={account} />}
    </>
  );
}

function failureText(code: string): string {
  const key = `topup_${code}`;
  if (code === "stars_failed") return t("topup_stars_cancelled");
  return hasText(key) ? t(key) : errorText(code);
}

function Progress({ account }: { account: Me }): VNode {
  const now = stage.value;
  switch (now.name) {
    case "choosing":
      return <Choosing account={account} />;
    case "wallet":
    case "asking":
      return now.topup.method === "ton" ? (
        <WalletStep topup={now.topup} busy={now.name === "asking"} />
      ) : (
        <p class="progress">{t("loading")}</p>
      );
    case "sent":
      return (
        <div class="outcome">
          <p class="progress">{t("topup_sent")}</p>
          <p class="hint">{t("topup_sent_text")}</p>
        </div>
      );
    case "credited":
      return (
        <div class="outcome good">
          <span class="seal">
            <CheckIcon />
          </span>
          <p class="sum">{t("topup_credited", { amount: amount(now.topup.nano, "exact") })}</p>
          <button type="button" class="primary wide" onClick={() => go({ name: "chat" })}>
            {t("close")}
          </button>
        </div>
      );
    case "failed":
      return (
        <div class="notice" role="alert">
          <p>{failureText(now.code)}</p>
          <button type="button" class="secondary" onClick={startOver}>
            {t("retry")}
          </button>
        </div>
      );
  }
}

function Past({ item, onRefund }: { item: Topup; onRefund: () => void }): VNode {
  const state = `topup_${item.state}`;
  const paid = item.method === "stars" ? ` · ${t("stars", { count: item.stars })}` : "";
  return (
    <li class="past">
      <span>
        <strong>{t("topup_pack", { amount: amount(item.nano) })}</strong>
        <small>
          {moment(item.created)}
          {paid}
        </small>
      </span>
      <span class={`state ${item.state}`}>{hasText(state) ? t(state) : item.state}</span>
      {item.refundable && (
        <button type="button" class="secondary small" onClick={onRefund}>
          {t("refund")}
        </button>
      )}
    </li>
  );
}

async function refund(id: string, again: () => Promise<void>): Promise<void> {
  try {
    await api.refund(id);
    say(t("refund_done"));
    await refreshMe();
  } catch (error) {
    say(errorText(asApiError(error).code));
  }
  await again();
}

function PastTopups({ loaded }: { loaded: Loaded<Topup[]> }): VNode | null {
  const [asking, setAsking] = useState<Topup | null>(null);
  const shown = (loaded.value ?? []).filter((item) => item.state !== "open").slice(0, 20);
  if (loaded.value && shown.length === 0) return null;
  return (
    <Section title={t("topup_history")}>
      <Loading of={loaded} />
      <ul>
        {shown.map((item) => (
          <Past key={item.id} item={item} onRefund={() => setAsking(item)} />
        ))}
      </ul>
      {asking && (
        <Confirm
          title={t("refund_title", { count: asking.stars })}
          text={t("refund_text", { amount: amount(asking.nano) })}
          action={t("refund")}
          onDone={(yes) => {
            setAsking(null);
            if (yes) void refund(asking.id, loaded.again);
          }}
        />
      )}
    </Section>
  );
}

export function TopupScreen(): VNode {
  const past = useLoad(() => api.topups());
  const name = stage.value.name;
  useEffect(() => {
    if (stage.value.name !== "sent") startOver();
  }, []);
  useEffect(() => {
    if (name === "credited") void past.again();
  }, [name]);
  return (
    <Screen title={t("topup")}>
      <div aria-live="polite">{me.value && <Progress account={me.value} />}</div>
      <PastTopups loaded={past} />
    </Screen>
  );
}
