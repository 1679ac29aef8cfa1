export const NANO_PER_TON = 1_000_000_000;

/** Ways to write an amount: every digit, or about four that matter. */
export type Precision = "exact" | "short";

/**
 * nanoTON as TON in a person's way of writing numbers, without the unit.
 *
 * @param nano an integer below 2^53.
 */
export function formatTon(nano: number, locale: string, precision: Precision = "short"): string {
  const ton = nano / NANO_PER_TON;
  const options: Intl.NumberFormatOptions =
    precision === "exact" || nano === 0
      ? { maximumFractionDigits: 9 }
      : Math.abs(ton) >= 1
        ? { maximumFractionDigits: 2 }
        : { maximumSignificantDigits: 4 };
  return new Intl.NumberFormat(locale, options).format(ton);
}

/**
 * What a person wrote as TON, in nanoTON; null where it is no positive amount of at most nine
 * decimals.
 */
export function parseTon(text: string): number | null {
  const match = /^(\d{0,7})(?:[.,](\d{0,9}))?$/.exec(text.trim());
  if (!match || (!match[1] && !match[2])) return null;
  const nano =
    Number(match[1] || "0") * NANO_PER_TON + Number((match[2] ?? "").padEnd(9, "0") || "0");
  return nano > 0 && Number.isSafeInteger(nano) ? nano : null;
}
