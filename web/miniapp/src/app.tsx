import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "./i18n";
import { goBack, onBack } from "./platform/telegram";
import { BudgetScreen } from "./screens/budget";
import { ChatScreen } from "./screens/chat";
import { MenuScreen, Sidebar } from "./screens/menu";
import { ReceiptScreen } from "./screens/receipt";
import { SettingsScreen } from "./screens/settings";
import { TopupScreen } from "./screens/topup";
import { TrustScreen } from "./screens/trust";
import { boot, config, me, problem, status } from "./state/app";
import { back, canGoBack, route } from "./state/route";
import { toast } from "./state/toast";
import { Mark } from "./ui/icons";
import { errorText } from "./ui/notice";
import { wide } from "./ui/wide";

function Current(): VNode {
  const now = route.value;
  switch (now.name) {
    case "menu":
      return wide.value ? <ChatScreen /> : <MenuScreen />;
    case "trust":
      return <TrustScreen />;
    case "budget":
      return <BudgetScreen />;
    case "topup":
      return <TopupScreen />;
    case "settings":
      return <SettingsScreen />;
    case "receipt":
      return <ReceiptScreen key={now.answer} answer={now.answer} />;
    default:
      return <ChatScreen />;
  }
}

/** What must be said on every screen: what is simulated protects nothing and nobody. */
function Banner(): VNode | null {
  const notes = me.value?.notes ?? [];
  const standIn = config.value?.stand_in || notes.includes("stand_in");
  const simulated = notes.includes("simulated_hardware");
  if (!standIn && !simulated) return null;
  return (
    <aside class="banner">
      {standIn && t("stand_in")} {simulated && t("simulated_hardware")}
    </aside>
  );
}

function Failed(): VNode {
  const error = problem.value;
  const reopen = error?.action === "reopen";
  return (
    <main class="screen centre">
      <Mark />
      <h1>{t(reopen ? "reopen_title" : "failed_title")}</h1>
      <p class="lead">{errorText(error?.code ?? "internal")}</p>
      {reopen ? (
        <p class="hint">{t("reopen_text")}</p>
      ) : (
        <button type="button" class="primary" onClick={() => void boot()}>
          {t("retry")}
        </button>
      )}
    </main>
  );
}

function Starting(): VNode {
  return (
    <main class="screen centre" aria-busy="true">
      <Mark />
      <p class="visually-hidden" role="status">
        {t("starting")}
      </p>
    </main>
  );
}

function onKey(event: KeyboardEvent): void {
  const busy = document.querySelector("dialog[open]");
  if (event.key === "Escape" && !event.defaultPrevented && !busy && goBack())
    event.preventDefault();
}

export function App(): VNode {
  useEffect(() => {
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  const deep = canGoBack.value;
  useEffect(() => (deep ? onBack(back) : undefined), [deep]);
  if (status.value === "failed") return <Failed />;
  if (status.value === "starting") return <Starting />;
  return (
    <>
      <Banner />
      <div class="frame">
        {wide.value && <Sidebar />}
        <Current />
      </div>
      <div class="toast" role="status" aria-live="polite">
        {toast.value && <p>{toast.value}</p>}
      </div>
    </>
  );
}
