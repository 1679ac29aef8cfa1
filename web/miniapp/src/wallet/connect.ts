import {
  isWalletInfoCurrentlyInjected,
  TonConnect,
  UserRejectsError,
  type WalletInfoRemote,
} from "@tonconnect/sdk";
import type { TonTransfer } from "../api/types";
import { open } from "../platform/telegram";

/** A wallet that the person can choose. */
export interface WalletChoice {
  name: string;
  /** Whether it is in this page already, as in a wallet's own browser. */
  injected: boolean;
  /** Connect; opens the wallet where it is another program. */
  connect: () => void;
}

export type PayOutcome = "sent" | "declined";

/** A request is given up after this time, in milliseconds. */
const CONNECT_TIMEOUT = 300_000;
/** A wallet may refuse a transfer that stays valid for longer (TON Connect's limit). */
const PAY_SECONDS = 300;

/** The script of a stand-in's wallet, once it was loaded. */
const STAND_IN = "script[data-stand-in]";

let connector: TonConnect | null = null;

function absolute(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** The one connector; wallets come from the app's own list, and nothing is reported to anybody. */
function tonConnect(): TonConnect {
  connector ??= new TonConnect({
    manifestUrl: absolute("tonconnect-manifest.json"),
    walletsListSource: absolute("wallets.json"),
    analytics: { mode: "off" },
  });
  return connector;
}

/** Names in `window` where a wallet has put itself (TON Connect, JS bridge). */
function injectedKeys(): string[] {
  return Object.keys(window).filter((key) => {
    try {
      const bridge = (window as unknown as Record<string, { tonconnect?: unknown }>)[key];
      return typeof bridge === "object" && bridge !== null && "tonconnect" in bridge;
    } catch {
      return false;
    }
  });
}

function injectedName(key: string): string {
  const found = (
    window as unknown as Record<string, { tonconnect?: { walletInfo?: { name?: string } } }>
  )[key];
  return found?.tonconnect?.walletInfo?.name ?? key;
}

/** Load the script of a stand-in's wallet; only stand-in services have one. */
export function loadStandIn(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (document.querySelector(STAND_IN)) {
      resolve();
      return;
    }
    const script = document.createElement("script");
    script.src = url;
    script.dataset.standIn = "";
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("the stand-in's wallet cannot be loaded"));
    document.head.append(script);
  });
}

/** The wallet of an earlier visit, if it is still connected: its name, else null. */
export async function restore(): Promise<string | null> {
  const sdk = tonConnect();
  if (!sdk.connected) await sdk.restoreConnection().catch(() => undefined);
  return sdk.wallet?.device.appName ?? null;
}

/** Wallets to choose from, those in this page first. */
export async function wallets(): Promise<WalletChoice[]> {
  const sdk = tonConnect();
  const injected = injectedKeys().map((key) => ({
    name: injectedName(key),
    injected: true,
    connect: () => sdk.connect({ jsBridgeKey: key }),
  }));
  // Nobody's real wallet can pay on a stand-in's chain.
  if (document.querySelector(STAND_IN) && injected.length > 0) return injected;
  const listed = (await sdk.getWallets()).filter(
    (wallet): wallet is WalletInfoRemote =>
      "universalLink" in wallet && !isWalletInfoCurrentlyInjected(wallet),
  );
  const remote = listed.map((wallet) => ({
    name: wallet.name,
    injected: false,
    connect: () => {
      const source = { universalLink: wallet.universalLink, bridgeUrl: wallet.bridgeUrl };
      open(sdk.connect(source));
    },
  }));
  return [...injected, ...remote];
}

/** Wait until a wallet has connected; false where the person declined. */
export async function connected(choice: WalletChoice, network: string): Promise<boolean> {
  const sdk = tonConnect();
  if (sdk.connected) await sdk.disconnect().catch(() => undefined);
  sdk.setConnectionNetwork(network);
  return await new Promise((resolve) => {
    const finish = (done: boolean) => {
      clearTimeout(timer);
      off();
      resolve(done);
    };
    const off = sdk.onStatusChange(
      (wallet) => wallet && finish(true),
      () => finish(false),
    );
    const timer = setTimeout(() => finish(false), CONNECT_TIMEOUT);
    try {
      choice.connect();
    } catch {
      finish(false);
    }
  });
}

/** Have the connected wallet pay; it shows the amount and asks the person. */
export async function pay(transfer: TonTransfer): Promise<PayOutcome> {
  const sdk = tonConnect();
  const remote = sdk.wallet?.provider === "http";
  const link = remote ? await openerOf(sdk.wallet?.device.appName) : null;
  try {
    await sdk.sendTransaction(
      {
        validUntil: Math.min(transfer.valid_until, Math.floor(Date.now() / 1000) + PAY_SECONDS),
        network: transfer.network as never,
        messages: [
          { address: transfer.address, amount: transfer.amount, payload: transfer.payload },
        ],
      },
      { onRequestSent: () => link && open(link) },
    );
    return "sent";
  } catch (error) {
    if (error instanceof UserRejectsError) return "declined";
    throw error;
  }
}

async function openerOf(app: string | undefined): Promise<string | null> {
  const all = await tonConnect().getWallets();
  const found = all.find((wallet) => wallet.appName === app?.toLowerCase());
  return found && "universalLink" in found ? found.universalLink : null;
}

export async function disconnect(): Promise<void> {
  await tonConnect()
    .disconnect()
    .catch(() => undefined);
}
