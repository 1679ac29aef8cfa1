// The stand-in wallet: what a person sees and confirms when a Mini App asks for TON.
import { el, icon } from "./dom.js";
import { act } from "./net.js";
import { sheet } from "./sheets.js";
import { state } from "./state.js";

const REJECTED = { code: 300, message: "the person said no" };
const NANO = 1_000_000_000n;
const FILL_TON = 20;

const ton = (nano) => {
  const value = BigInt(nano);
  const rest = String(value % NANO).padStart(9, "0").replace(/0+$/, "");
  return `${value / NANO}${rest ? `.${rest}` : ""} TON`;
};
const short = (address) => `${address.slice(0, 8)}…${address.slice(-8)}`;
const key = (origin) => `stand-in-wallet-${state.me.id}-${origin}`;

function head(title) {
  const mark = el("p", { class: "wallet-mark" });
  mark.append(icon("wallet"), "Stand-in wallet");
  return [mark, el("h3", {}, title), el("p", { class: "note" }, "A wallet of this devnet. Its TON is pretend: it buys nothing outside of this machine.")];
}

function row(...buttons) {
  return el("div", { class: "row" }, buttons);
}

function balanceLine(wallet) {
  const value = el("dd", { id: "wallet-balance" }, ton(wallet.balance));
  const button = el("button", { type: "button", id: "wallet-fill" }, `Get ${FILL_TON} TON`);
  return { value, button };
}

/** Wire a faucet button; `then(wallet)` is told the new balance. */
function fills(button, value, wrong, then) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const wallet = await act("wallet/fill", { nano: String(BigInt(FILL_TON) * NANO) });
      value.textContent = ton(wallet.balance);
      then(wallet);
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    }
    button.disabled = false;
  });
}

async function connect(origin, params) {
  const wallet = await act("wallet");
  const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
  const { value, button } = balanceLine(wallet);
  const yes = await sheet("Connect the stand-in wallet", (close) => {
    fills(button, value, wrong, () => {});
    return [
      ...head("Connect the wallet?"),
      el(
        "dl", {},
        el("dt", {}, "Mini App"), el("dd", {}, new URL(origin).host),
        el("dt", {}, "Address"), el("dd", { class: "mono", title: wallet.address }, short(wallet.address)),
        el("dt", {}, "Balance"), value,
      ),
      wrong,
      row(
        button,
        el("button", { type: "button", onclick: () => close() }, "Cancel"),
        el("button", { type: "button", class: "primary", id: "wallet-yes", autofocus: true, onclick: () => close(true) }, "Connect"),
      ),
    ];
  });
  if (!yes) return { error: REJECTED };
  const answer = await act("wallet/connect", { items: params.items, origin });
  sessionStorage.setItem(key(origin), "1");
  return answer;
}

async function restore(origin) {
  if (!sessionStorage.getItem(key(origin))) return { error: { code: 100, message: "this Mini App is not connected" } };
  return act("wallet/connect", { items: [{ name: "ton_addr" }], origin });
}

function messageLines(message) {
  return [
    el("dt", {}, "To"), el("dd", { class: "mono", title: message.address }, short(message.address)),
    el("dt", {}, "Amount"), el("dd", {}, ton(message.amount)),
    message.comment ? el("dt", {}, "Comment") : null, message.comment ? el("dd", { class: "mono" }, message.comment) : null,
  ].filter(Boolean);
}

function sendContent(plan, request, close) {
  const wrong = el("p", { class: "wrong", role: "alert", hidden: true });
  const { value, button } = balanceLine(plan.wallet);
  const yes = el("button", { type: "button", class: "primary", id: "wallet-yes", autofocus: true }, "Confirm");
  const no = el("button", { type: "button", id: "wallet-no", onclick: () => close() }, "Cancel");
  const check = (wallet) => {
    const enough = BigInt(wallet.balance) >= BigInt(plan.need);
    yes.disabled = !enough;
    button.hidden = enough;
    wrong.hidden = enough;
    wrong.textContent = enough ? "" : `This needs ${ton(plan.need)} with room for fees.`;
  };
  fills(button, value, wrong, check);
  yes.addEventListener("click", async () => {
    yes.disabled = no.disabled = true;
    yes.textContent = "Sending…";
    try {
      close(await act("wallet/send", { request }));
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
      yes.textContent = "Try again";
      yes.disabled = no.disabled = false;
    }
  });
  check(plan.wallet);
  return [
    ...head("Send TON?"),
    el("p", { class: "big" }, ton(plan.total)),
    el("dl", {}, plan.messages.flatMap(messageLines), el("dt", {}, "Balance"), value),
    wrong,
    row(button, no, yes),
  ];
}

async function send(origin, { request }) {
  if (!sessionStorage.getItem(key(origin))) return { error: { code: 100, message: "this Mini App is not connected" } };
  let plan;
  try {
    plan = await act("wallet/plan", { request });
  } catch (error) {
    return { error: { code: 1, message: error.message } };
  }
  const sent = await sheet("Send TON", (close) => sendContent(plan, request, close));
  return sent === null ? { error: REJECTED } : { result: sent.boc };
}

/** What the wallet's script in the frame is answered. */
export async function answerWallet(origin, method, params) {
  if (!state.wallet) return { error: { code: 400, message: "this stand-in has no chain, and so no wallet" } };
  try {
    if (method === "connect") return await connect(origin, params);
    if (method === "restore") return await restore(origin);
    if (method === "send") return await send(origin, params);
    if (method === "disconnect") sessionStorage.removeItem(key(origin));
    return {};
  } catch (error) {
    return { error: { code: 0, message: error.message } };
  }
}
