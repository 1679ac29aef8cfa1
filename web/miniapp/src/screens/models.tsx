import type { VNode } from "preact";
import type { Model } from "../api/types";
import { t } from "../i18n";
import { haptic } from "../platform/telegram";
import { me, model, models, modelsFailed, modelsKnown, priceClass } from "../state/app";
import { changePrefs } from "../state/prefs";
import { Sheet } from "../ui/dialog";
import { amount, number } from "../ui/format";
import { CheckIcon } from "../ui/icons";
import { className, classText } from "./classes";

/** Why there is no model to choose. */
export function noModel(): string {
  if (!modelsKnown.value) return t("loading");
  return modelsFailed.value ? t("error_unavailable") : t("models_none");
}

/** The price of a model in words. */
export function priceOf(item: Model): string {
  return item.price_nano_per_million === null
    ? t("model_price_unknown")
    : t("model_price", { amount: amount(item.price_nano_per_million) });
}

function details(item: Model): string {
  const parts = [
    item.price_classes.includes(priceClass.value)
      ? t("model_free", { free: number(item.free_workers), all: number(item.workers) })
      : t("model_class_none"),
    item.context > 0 ? t("model_context", { count: number(item.context) }) : "",
    item.inputs.includes("image") ? t("model_images") : "",
    item.simulated ? t("model_simulated") : item.evidence.join(", "),
  ];
  return parts.filter(Boolean).join(" · ");
}

function Choice({ item, onPick }: { item: Model; onPick: () => void }): VNode {
  const chosen = item.name === model.value?.name;
  return (
    <label class="choice">
      <input type="radio" name="model" checked={chosen} onChange={onPick} />
      <span class="choice-text">
        <strong>{item.title}</strong>
        <span>{priceOf(item)}</span>
        <small>{details(item)}</small>
      </span>
      {chosen && <CheckIcon />}
    </label>
  );
}

/** Choose the model and the price class, with what they cost. */
export function ModelSheet({ onClose }: { onClose: () => void }): VNode {
  return (
    <Sheet title={t("model_pick")} onClose={onClose}>
      <fieldset class="card">
        <legend class="visually-hidden">{t("model")}</legend>
        {models.value.map((item) => (
          <Choice
            key={item.name}
            item={item}
            onPick={() => {
              haptic("select");
              changePrefs({ model: item.name });
            }}
          />
        ))}
        {models.value.length === 0 && <p class="empty">{noModel()}</p>}
      </fieldset>
      <PriceClasses />
    </Sheet>
  );
}

/** Choose how dear a worker may be. */
export function PriceClasses(): VNode {
  const classes = me.value?.price_classes ?? [];
  return (
    <fieldset class="segments">
      <legend>{t("price_class")}</legend>
      <div>
        {classes.map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="price-class"
              checked={name === priceClass.value}
              onChange={() => {
                haptic("select");
                changePrefs({ priceClass: name });
              }}
            />
            <span>{className(name)}</span>
          </label>
        ))}
      </div>
      <p class="hint">{classText(priceClass.value)}</p>
    </fieldset>
  );
}
