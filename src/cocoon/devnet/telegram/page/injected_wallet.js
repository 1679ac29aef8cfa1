// TON Connect's JS bridge (protocol 2) for the Mini App in the stand-in's frame: what a wallet puts
// into the page (https://github.com/ton-blockchain/ton-connect/blob/main/spec/wallet-guidelines.md).
// It knows no key: it asks the page around the frame, where the person says yes or no.
(() => {
  "use strict";
  const KEY = "cocoonStandInWallet";
  const home = new URL(document.currentScript.src).origin;
  // In the page's own words: its policy lets in no picture from elsewhere.
  const IMAGE = "data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 64 64%22%3E%3Crect width=%2264%22 height=%2264%22 rx=%2216%22 fill=%22%231864ab%22/%3E%3Cpath d=%22M15 22h32a4 4 0 0 1 4 4v20a4 4 0 0 1-4 4H19a4 4 0 0 1-4-4zM15 22a6 6 0 0 1 6-6h22%22 fill=%22none%22 stroke=%22%23fff%22 stroke-width=%224%22 stroke-linejoin=%22round%22/%3E%3Ccircle cx=%2242%22 cy=%2236%22 r=%223.4%22 fill=%22%23ffd43b%22/%3E%3C/svg%3E";
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
        image: IMAGE,
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
