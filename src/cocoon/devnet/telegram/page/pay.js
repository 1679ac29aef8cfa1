// Paying an invoice with pretend Stars.
import { el } from "./dom.js";
import { act } from "./net.js";
import { sheet } from "./sheets.js";
import { state } from "./state.js";

const MORE = 1000;

function content(bill, pay, close) {
  const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
  const balance = el("dd", {}, `★ ${state.me.stars}`);
  const button = el("button", { type: "button", class: "primary", autofocus: true }, `Pay ★ ${bill.total_amount}`);
  const more = el("button", { type: "button" }, `Get ★ ${MORE}`);
  const short = () => state.me.stars < bill.total_amount;
  const refresh = () => {
    balance.textContent = `★ ${state.me.stars}`;
    more.hidden = !short();
    button.disabled = short();
  };
  const fail = (error) => {
    wrong.textContent = error.message;
    wrong.hidden = false;
    button.disabled = false;
  };
  more.addEventListener("click", async () => {
    try {
      state.me = (await act("stars", { amount: MORE })).me;
      refresh();
    } catch (error) { fail(error); }
  });
  button.addEventListener("click", async () => {
    button.disabled = true;
    wrong.hidden = true;
    try {
      await pay();
      close("paid");
    } catch (error) { fail(error); }
  });
  refresh();
  return [
    el("h3", {}, bill.title),
    el("p", {}, bill.description),
    el("p", { class: "big star" }, `★ ${bill.total_amount}`),
    el("dl", {}, el("dt", {}, "You have"), balance),
    wrong,
    el("p", { class: "note" }, "Stand-in: these Stars are pretend. Nothing is really paid."),
    el("div", { class: "row" }, more, el("button", { type: "button", onclick: () => close() }, "Cancel"), button),
  ];
}

/** Show an invoice; "paid", or "cancelled" when it was closed. */
export async function paySheet(bill, pay) {
  const outcome = await sheet(`Pay: ${bill.title}`, (close) => content(bill, pay, close));
  return outcome || "cancelled";
}

/** Pay an invoice that is a message. */
export const payMessage = (message) => paySheet(message.invoice, () => act("pay", { chat: message.chat.id, message: message.message_id }));

/** Pay an invoice that is a link; its last part is the slug. */
export async function payLink(slug) {
  const bill = await act("invoice", { slug });
  return paySheet(bill, () => act("pay", { slug }));
}
