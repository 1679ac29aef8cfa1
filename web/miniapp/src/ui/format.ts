import { language, t } from "../i18n";
import { formatTon, type Precision } from "../lib/money";

/** An amount without its unit, as the language writes numbers. */
export function amount(nano: number, precision: Precision = "short"): string {
  return formatTon(nano, language.value, precision);
}

/** An amount with its unit. */
export function ton(nano: number, precision: Precision = "short"): string {
  return t("ton", { amount: amount(nano, precision) });
}

export function number(value: number, digits: number = 0): string {
  return new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value);
}

/** Day and time of Unix seconds. */
export function moment(seconds: number): string {
  const style = { dateStyle: "medium", timeStyle: "short" } as const;
  return new Intl.DateTimeFormat(language.value, style).format(new Date(seconds * 1000));
}

/** A UTC day, `YYYY-MM-DD`, in few letters. */
export function day(iso: string): string {
  const style = { day: "numeric", month: "short", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat(language.value, style).format(new Date(`${iso}T00:00:00Z`));
}
