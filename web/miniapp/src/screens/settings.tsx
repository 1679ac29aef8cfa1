import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { asApiError } from "../api/errors";
import { chat } from "../chat/chat";
import { languages, type TextKey, t } from "../i18n";
import { saveFile } from "../lib/device";
import { haptic } from "../platform/telegram";
import { api, history, model, pickLanguage } from "../state/app";
import { changePrefs, prefs } from "../state/prefs";
import { say } from "../state/toast";
import { Confirm } from "../ui/dialog";
import { ChevronIcon, FileIcon, TrashIcon } from "../ui/icons";
import { errorText } from "../ui/notice";
import { Screen, Section } from "../ui/screen";
import { ModelSheet, noModel, PriceClasses, priceOf } from "./models";

/** Names of languages in themselves. */
function languageName(code: string): string {
  const name = new Intl.DisplayNames([code], { type: "language" }).of(code) ?? code;
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
}

function Language(): VNode {
  return (
    <label class="field">
      <span>{t("settings_language")}</span>
      <select
        value={prefs.value.language}
        onChange={(event) => {
          haptic("select");
          changePrefs({ language: event.currentTarget.value });
          void pickLanguage();
        }}
      >
        <option value="">{t("settings_language_auto")}</option>
        {languages.map((code) => (
          <option key={code} value={code} lang={code}>
            {languageName(code)}
          </option>
        ))}
      </select>
    </label>
  );
}

function SystemPrompt(): VNode {
  return (
    <label class="field">
      <span>{t("settings_system")}</span>
      <textarea
        rows={4}
        value={prefs.value.system}
        maxLength={4000}
        aria-describedby="system-hint"
        onInput={(event) => changePrefs({ system: event.currentTarget.value })}
      />
      <small id="system-hint">{t("settings_system_hint")}</small>
    </label>
  );
}

function Model(): VNode {
  const [picking, setPicking] = useState(false);
  return (
    <>
      <button
        type="button"
        class="field-button"
        aria-haspopup="dialog"
        onClick={() => setPicking(true)}
      >
        <span>
          <strong>{model.value?.title ?? noModel()}</strong>
          {model.value && <small>{priceOf(model.value)}</small>}
        </span>
        <ChevronIcon />
      </button>
      {picking && <ModelSheet onClose={() => setPicking(false)} />}
    </>
  );
}

type Question = "clear" | "forget";

const QUESTIONS: Record<Question, { title: TextKey; text: TextKey; action: TextKey }> = {
  clear: { title: "settings_clear_title", text: "settings_clear_text", action: "delete" },
  forget: {
    title: "settings_forget_title",
    text: "settings_forget_text",
    action: "settings_forget_action",
  },
};

async function carryOut(question: Question): Promise<void> {
  try {
    if (question === "clear") await chat.clear();
    else await api.forget();
    haptic("success");
    say(t(question === "clear" ? "settings_cleared" : "settings_forgotten"));
  } catch (error) {
    haptic("error");
    say(errorText(asApiError(error).code));
  }
}

async function exportAll(): Promise<void> {
  const all = await history.value?.export();
  if (!all) return;
  const blob = new Blob([JSON.stringify(all, null, 1)], { type: "application/json" });
  await saveFile(blob, `conversations-${all.exported.slice(0, 10)}.json`);
}

function Data(): VNode {
  const [asking, setAsking] = useState<Question | null>(null);
  return (
    <>
      <p class="hint">{history.value ? t("settings_data_text") : t("settings_storage_none")}</p>
      <button type="button" class="secondary wide" onClick={() => void exportAll()}>
        <FileIcon />
        {t("settings_export")}
      </button>
      <button type="button" class="secondary wide danger-text" onClick={() => setAsking("clear")}>
        <TrashIcon />
        {t("settings_clear")}
      </button>
      <button type="button" class="secondary wide danger-text" onClick={() => setAsking("forget")}>
        <TrashIcon />
        {t("settings_forget")}
      </button>
      {asking && (
        <Confirm
          title={t(QUESTIONS[asking].title)}
          text={t(QUESTIONS[asking].text)}
          action={t(QUESTIONS[asking].action)}
          danger
          onDone={(yes) => {
            setAsking(null);
            if (yes) void carryOut(asking);
          }}
        />
      )}
    </>
  );
}

export function SettingsScreen(): VNode {
  return (
    <Screen title={t("settings")}>
      <Section title={t("model")} plain>
        <Model />
        <PriceClasses />
      </Section>
      <SystemPrompt />
      <Language />
      <Section title={t("settings_data")} plain>
        <Data />
      </Section>
    </Screen>
  );
}
