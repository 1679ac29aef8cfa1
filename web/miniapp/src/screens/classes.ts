import { hasText, t } from "../i18n";

/** A price class's name for people; an operator's own ones are shown as they are. */
export function className(name: string): string {
  const key = `price_class_${name}`;
  return hasText(key) ? t(key) : name;
}

/** What a price class means, or nothing for an operator's own ones. */
export function classText(name: string): string {
  const key = `price_class_${name}_text`;
  return hasText(key) ? t(key) : "";
}
