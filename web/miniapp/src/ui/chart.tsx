import type { VNode } from "preact";
import type { UsageDay } from "../api/types";
import { t } from "../i18n";
import { amount, day, number } from "./format";

const WIDTH = 320;
const HEIGHT = 112;
const BASE = HEIGHT - 18;
const TOP = 6;

/** Free and paid use by day as stacked bars; what it shows is also in its label and a table. */
export function UsageChart({ days }: { days: UsageDay[] }): VNode {
  const most = Math.max(1, ...days.map((item) => item.free_nano + item.paid_nano));
  const step = WIDTH / Math.max(1, days.length);
  const width = Math.max(2, Math.min(18, step * 0.66));
  const scale = (nano: number) => (nano / most) * (BASE - TOP);
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary(days)}>
      <line x1="0" x2={WIDTH} y1={BASE} y2={BASE} class="axis" />
      {days.map((item, index) => {
        const x = index * step + (step - width) / 2;
        const free = scale(item.free_nano);
        const paid = scale(item.paid_nano);
        return (
          <g key={item.day}>
            {free > 0 && (
              <rect class="free" x={x} width={width} y={BASE - free} height={free} rx="1.5" />
            )}
            {paid > 0 && (
              <rect
                class="paid"
                x={x}
                width={width}
                y={BASE - free - paid}
                height={paid}
                rx="1.5"
              />
            )}
          </g>
        );
      })}
      <text x="0" y={HEIGHT - 3}>
        {day(days[0]?.day ?? "1970-01-01")}
      </text>
      <text x={WIDTH} y={HEIGHT - 3} text-anchor="end">
        {day(days.at(-1)?.day ?? "1970-01-01")}
      </text>
    </svg>
  );
}

function summary(days: UsageDay[]): string {
  const of = (item: UsageDay) => item.free_nano + item.paid_nano;
  const busiest = [...days].sort((a, b) => of(b) - of(a))[0];
  const total = days.reduce((sum, item) => sum + of(item), 0);
  const answers = days.reduce((sum, item) => sum + item.answers, 0);
  return t("usage_chart", {
    total: amount(total),
    answers: number(answers),
    day: day(busiest?.day ?? "1970-01-01"),
  });
}

/** The days of a chart on which something happened, as a table. */
export function UsageTable({ days }: { days: UsageDay[] }): VNode {
  const busy = days.filter((item) => item.answers > 0 || item.topped_up_nano > 0).reverse();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="table" tabIndex={0} aria-label={t("table_label")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("usage_day")}</th>
            <th scope="col">{t("usage_answers")}</th>
            <th scope="col">{t("usage_free")}</th>
            <th scope="col">{t("usage_paid")}</th>
            <th scope="col">{t("usage_topped_up")}</th>
          </tr>
        </thead>
        <tbody>
          {busy.map((item) => (
            <tr key={item.day}>
              <th scope="row">{day(item.day)}</th>
              <td>{number(item.answers)}</td>
              <td>{amount(item.free_nano)}</td>
              <td>{amount(item.paid_nano)}</td>
              <td>{amount(item.topped_up_nano)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** How much of something is left. */
export function Meter({ left, of, label }: { left: number; of: number; label: string }): VNode {
  const share = of > 0 ? Math.max(0, Math.min(1, left / of)) : 0;
  return (
    <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect width="100" height="4" class="meter-back" />
      {share > 0 && <rect width={100 * share} height="4" class="meter-fill" />}
    </svg>
  );
}
