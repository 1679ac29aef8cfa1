import type { ComponentChildren, VNode } from "preact";
import type { ProxyCheck, Trust, WorkerCheck } from "../api/types";
import { hasText, type TextKey, t } from "../i18n";
import { api } from "../state/app";
import {
  ChipIcon,
  EyeIcon,
  EyeOffIcon,
  PhoneIcon,
  ServerIcon,
  ShieldCheckIcon,
  ShieldIcon,
} from "../ui/icons";
import { useLoad } from "../ui/load";
import { Loading } from "../ui/loading";
import { noteText } from "../ui/notice";
import { Fact, Screen, Section } from "../ui/screen";

function Verdict({ trust }: { trust: Trust }): VNode {
  const good = trust.verified && !trust.simulated;
  const text = trust.simulated
    ? t("trust_simulated")
    : trust.verified
      ? t("trust_good")
      : trust.verification
        ? t("trust_bad")
        : t("trust_none");
  return (
    <p class={`verdict ${good ? "good" : "warn"}`}>
      {good ? <ShieldCheckIcon /> : <ShieldIcon />}
      {text}
    </p>
  );
}

interface HopProps {
  icon: () => VNode;
  name: string;
  text: string;
  reads: "yes" | "no" | "enclave";
}

const READS = { yes: "can_read", no: "cannot_read", enclave: "enclave_read" } as const;

function Hop({ icon: Icon, name, text, reads }: HopProps): VNode {
  return (
    <li class={`hop reads-${reads}`}>
      <span class="hop-icon">
        <Icon />
      </span>
      <div>
        <h3>{name}</h3>
        <p>{text}</p>
        <p class="hop-reads">
          {reads === "no" ? <EyeOffIcon /> : <EyeIcon />}
          {t(READS[reads])}
        </p>
      </div>
    </li>
  );
}

function Path({ trust }: { trust: Trust }): VNode {
  const inside = trust.simulated || !trust.verified ? "yes" : "enclave";
  const open = inside === "yes";
  const server = trust.server_reads;
  return (
    <ol class="path">
      <Hop icon={PhoneIcon} name={t("trust_you")} text={t("trust_you_text")} reads="yes" />
      <Hop
        icon={ServerIcon}
        name={t("trust_server")}
        text={t(server ? "trust_server_text" : "trust_server_sealed")}
        reads={server ? "yes" : "no"}
      />
      <Hop
        icon={ShieldIcon}
        name={t(open ? "trust_proxy_open" : "trust_proxy")}
        text={t(trust.sealed ? "trust_proxy_sealed" : open ? "trust_open" : "trust_proxy_text")}
        reads={trust.sealed ? "no" : inside}
      />
      <Hop
        icon={ChipIcon}
        name={t(open ? "trust_worker_open" : "trust_worker")}
        text={t(open ? "trust_open_worker" : "trust_worker_text")}
        reads={inside}
      />
    </ol>
  );
}

function word(prefix: string, value: string): string {
  const key = `${prefix}_${value}`;
  return hasText(key) ? t(key) : value;
}

function mark(outcome: string): string {
  if (outcome === "passed" || outcome === "proven") return "good";
  return outcome === "failed" || outcome === "refuted" ? "bad" : "warn";
}

function Steps({ proxy }: { proxy: ProxyCheck }): VNode | null {
  const steps = proxy.steps ?? [];
  if (steps.length === 0) return null;
  return (
    <details>
      <summary>{t("steps", { count: steps.length })}</summary>
      <ol class="checks">
        {steps.map((step) => (
          <li key={step.number} class={mark(step.outcome)}>
            <strong>{step.name}</strong> <em>{word("step", step.outcome)}</em>
            <small>{step.reason}</small>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Claims({ proxy }: { proxy: ProxyCheck }): VNode | null {
  const claims = proxy.claims ?? [];
  if (claims.length === 0) return null;
  return (
    <details>
      <summary>{t("claims")}</summary>
      <ul class="checks">
        {claims.map((claim) => (
          <li key={claim.name} class={mark(claim.verdict)}>
            <strong>{claim.name}</strong> <em>{word("claim", claim.verdict)}</em>
            <small>{claim.reason}</small>
          </li>
        ))}
      </ul>
    </details>
  );
}

function checkedAs(proxy: ProxyCheck): TextKey {
  if (!proxy.verified) return "proxy_not_verified";
  return proxy.simulated ? "proxy_simulated" : "proxy_verified";
}

function CheckedProxy({ proxy }: { proxy: ProxyCheck }): VNode {
  const state = proxy.verified && !proxy.simulated ? "good" : "warn";
  return (
    <article class="check">
      <h3 class={state}>{t(checkedAs(proxy))}</h3>
      {proxy.failure && <p>{proxy.failure}</p>}
      <dl>
        <Fact name={t("address")}>
          <code>{proxy.endpoint || proxy.address}</code>
        </Fact>
        <Fact name={t("evidence")}>{proxy.kind}</Fact>
        <Fact name={t("image")}>
          <code>{proxy.image_hash}</code>
        </Fact>
        <Fact name={t("policy")}>{proxy.policy}</Fact>
      </dl>
      <Claims proxy={proxy} />
      <Steps proxy={proxy} />
    </article>
  );
}

function Workers({ workers }: { workers: WorkerCheck[] }): VNode | null {
  if (workers.length === 0) return null;
  return (
    <Section title={t("workers_behind")}>
      {workers.map((worker) => (
        <article class="check" key={`${worker.model}${worker.image_hash}${worker.evidence}`}>
          <h3>{worker.model}</h3>
          <dl>
            <Fact name={t("evidence")}>{worker.evidence || "–"}</Fact>
            <Fact name={t("image")}>
              <code>{worker.image_hash || "–"}</code>
            </Fact>
          </dl>
        </article>
      ))}
    </Section>
  );
}

/** Codes of what was not checked, in words. */
export function Missing({ codes }: { codes: readonly string[] }): ComponentChildren {
  if (codes.length === 0) return <p class="empty">{t("trust_nothing_more")}</p>;
  return (
    <ul class="missing">
      {codes.map((code) => (
        <li key={code}>{noteText(code)}</li>
      ))}
    </ul>
  );
}

function Details({ trust }: { trust: Trust }): VNode {
  const proxies = trust.verification?.proxies ?? [];
  return (
    <>
      <Verdict trust={trust} />
      <Section title={t("trust_path")} plain>
        <Path trust={trust} />
      </Section>
      <Section title={t("trust_not_checked")}>
        <Missing codes={trust.not_checked} />
      </Section>
      {proxies.length > 0 && (
        <Section title={t("trust_checked")}>
          {proxies.map((proxy) => (
            <CheckedProxy key={proxy.endpoint + proxy.address} proxy={proxy} />
          ))}
        </Section>
      )}
      <Workers workers={trust.verification?.workers ?? []} />
    </>
  );
}

export function TrustScreen(): VNode {
  const loaded = useLoad(() => api.trust());
  return (
    <Screen title={t("trust")} lead={t("trust_lead")}>
      <Loading of={loaded} />
      {loaded.value && <Details trust={loaded.value} />}
    </Screen>
  );
}
