// The two directions between the stand-in and a Mini App in its frame, as Telegram Web speaks them:
// JSON strings {eventType, eventData} by postMessage
// (https://docs.telegram-mini-apps.com/platform/methods#web).

const KEPT = 300;

export class Bridge {
  /**
   * @param frame the iframe.
   * @param origin the only origin that is spoken to and listened to.
   * @param handlers methods by name; `other(name)` hears of the rest.
   */
  constructor(frame, origin, handlers) {
    Object.assign(this, { frame, origin, handlers, log: [], heard: false });
    this.listener = (event) => this.take(event);
    window.addEventListener("message", this.listener);
  }

  close() { window.removeEventListener("message", this.listener); }

  note(direction, name, data) {
    this.log.push([direction, name, data]);
    if (this.log.length > KEPT) this.log.shift();
  }

  /** The Mini App loads again. */
  forget() { this.heard = false; }

  /** Tell the Mini App of an event; nobody listens before it spoke itself. */
  send(name, data) {
    if (!this.heard) return;
    this.note("to app", name, data);
    const window = this.frame.contentWindow;
    if (window) window.postMessage(JSON.stringify({ eventType: name, eventData: data }), this.origin);
  }

  take(event) {
    if (event.source !== this.frame.contentWindow || event.origin !== this.origin || typeof event.data !== "string") return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    if (!message || typeof message.eventType !== "string") return;
    const data = message.eventData && typeof message.eventData === "object" ? message.eventData : {};
    this.heard = true;
    this.note("from app", message.eventType, data);
    const handler = this.handlers[message.eventType];
    if (handler) Promise.resolve(handler(data)).catch((error) => console.error(message.eventType, error));
    else this.handlers.other(message.eventType);
  }
}
