// TON Connect's JS bridge (protocol 2) for the Mini App in the stand-in's frame: what a wallet puts
// into the page (https://github.com/ton-blockchain/ton-connect/blob/main/spec/wallet-guidelines.md).
// It knows no key: it asks the page around the frame, where the person says yes or no.
(() => {
  "use strict";
  const KEY = "cocoonStandInWallet";
  const home = new URL(document.currentScript.src).origin;
  const waiting = new Map();
  const listeners = new Set();
  let number = 0;

  const device = {
    platform: "browser",
    appName: "cocoon-stand-in-wallet",
    appVersion: "1.0",
    maxProtocolVersion: 2,
    features: ["SendTransaction", { name: "SendTransaction", maxMessages: 4 }],
  };

  function ask(method, params) {
    return new Promise((resolve) => {
      const id = `${Date.now()}-${number += 1}`;
      waiting.set(id, resolve);
      const message = { eventType: "stand_in_wallet", eventData: { id, method, params } };
      window.parent.postMessage(JSON.stringify(message), home);
    });
  }

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== home || typeof event.data !== "string") return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    if (message.eventType !== "stand_in_wallet_answer" || !message.eventData) return;
    const { id, ...answer } = message.eventData;
    const resolve = waiting.get(id);
    waiting.delete(id);
    if (resolve) resolve(answer);
  });

  function connected(answer) {
    const id = Date.now();
    if (answer.error) return { event: "connect_error", id, payload: answer.error };
    return { event: "connect", id, payload: { items: answer.items, device } };
  }

  function told(method, params, id) {
    return ask(method, params).then((answer) => (
      answer.error ? { error: answer.error, id } : { result: answer.result, id }
    ));
  }

  window[KEY] = {
    tonconnect: {
      deviceInfo: device,
      walletInfo: {
        name: "Stand-in wallet",
        app_name: device.appName,
        image: `${home}/page/wallet.svg`,
        about_url: `${home}/`,
        platforms: ["chrome", "firefox", "safari", "linux", "macos", "windows", "ios", "android"],
        features: device.features,
      },
      protocolVersion: 2,
      isWalletBrowser: false,
      connect: async (version, request) => {
        if (version > 2) {
          return { event: "connect_error", id: Date.now(), payload: { code: 1, message: "protocol version is not supported" } };
        }
        return connected(await ask("connect", { manifestUrl: request.manifestUrl, items: request.items }));
      },
      restoreConnection: async () => connected(await ask("restore", {})),
      send: async (request) => {
        if (request.method === "disconnect") {
          await ask("disconnect", {});
          return { result: {}, id: request.id };
        }
        if (request.method !== "sendTransaction") {
          return { error: { code: 400, message: "the stand-in wallet cannot do that" }, id: request.id };
        }
        return told("send", { request: String(request.params[0]) }, request.id);
      },
      listen: (callback) => {
        listeners.add(callback);
        return () => listeners.delete(callback);
      },
      disconnect: () => {
        ask("disconnect", {});
      },
    },
  };
})();
