import type { Facts } from "../api/types";

export type MessageState = "done" | "streaming" | "stopped" | "lost" | "failed";

/** A message of a conversation, as it is kept on the device. */
export interface StoredMessage {
  id: string;
  conversation: string;
  at: number;
  role: "user" | "assistant";
  text: string;
  images: string[];
  state: MessageState;
  /** Names the answer for the service; the same for every retry, so that it is charged once. */
  answer?: string;
  error?: { code: string; retryAfter: number | null; missing: number | null };
  facts?: Facts;
}

export interface Conversation {
  id: string;
  title: string;
  created: number;
  updated: number;
  model: string;
}

export interface Exported {
  format: "cocoon-conversations";
  version: 1;
  exported: string;
  conversations: Array<Conversation & { messages: StoredMessage[] }>;
}

/** What a device keeps at most. */
export interface Bounds {
  conversations: number;
  /** Of texts and pictures, about. */
  bytes: number;
}

export const BOUNDS: Bounds = { conversations: 500, bytes: 50 * 1024 * 1024 };

function sizeOf(message: StoredMessage): number {
  const pictures = message.images.reduce((sum, picture) => sum + picture.length, 0);
  return 2 * message.text.length + pictures;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/** Conversations in the device's IndexedDB; nothing of it is sent anywhere by itself. */
export class History {
  private readonly db: IDBDatabase;

  private constructor(db: IDBDatabase) {
    this.db = db;
  }

  /** Open, or make, the database of one person with one bot. */
  static async open(name: string): Promise<History> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("conversations", { keyPath: "id" });
      const messages = request.result.createObjectStore("messages", { keyPath: "id" });
      messages.createIndex("conversation", ["conversation", "at"]);
    };
    return new History(await done(request));
  }

  /** All conversations, the newest first. */
  async conversations(): Promise<Conversation[]> {
    const store = this.db.transaction("conversations").objectStore("conversations");
    const all = (await done(store.getAll())) as Conversation[];
    return all.sort((a, b) => b.updated - a.updated);
  }

  /** Messages of a conversation, the oldest first. */
  async messages(conversation: string): Promise<StoredMessage[]> {
    const index = this.db.transaction("messages").objectStore("messages").index("conversation");
    const range = IDBKeyRange.bound([conversation, -Infinity], [conversation, Infinity]);
    return (await done(index.getAll(range))) as StoredMessage[];
  }

  async saveConversation(conversation: Conversation): Promise<void> {
    const transaction = this.db.transaction("conversations", "readwrite");
    transaction.objectStore("conversations").put(conversation);
    await finished(transaction);
  }

  async saveMessages(...messages: StoredMessage[]): Promise<void> {
    const transaction = this.db.transaction("messages", "readwrite");
    for (const message of messages) transaction.objectStore("messages").put(message);
    await finished(transaction);
  }

  async removeMessages(...ids: string[]): Promise<void> {
    const transaction = this.db.transaction("messages", "readwrite");
    for (const id of ids) transaction.objectStore("messages").delete(id);
    await finished(transaction);
  }

  async removeConversation(id: string): Promise<void> {
    const gone = (await this.messages(id)).map((message) => message.id);
    const transaction = this.db.transaction(["conversations", "messages"], "readwrite");
    transaction.objectStore("conversations").delete(id);
    for (const message of gone) transaction.objectStore("messages").delete(message);
    await finished(transaction);
  }

  /**
   * Remove what goes beyond the bounds, the conversation that rests longest first.
   *
   * @param open the conversation that is shown; it stays, whatever its size.
   * @returns ids of conversations that are gone.
   */
  async trim(open: string | null, bounds: Bounds = BOUNDS): Promise<string[]> {
    const all = await this.conversations();
    const shown = all.filter((item) => item.id === open);
    const others = all.filter((item) => item.id !== open);
    const gone: string[] = [];
    let bytes = 0;
    let kept = 0;
    for (const { id } of [...shown, ...others]) {
      bytes += (await this.messages(id)).reduce((sum, message) => sum + sizeOf(message), 0);
      kept += 1;
      if (id !== open && (kept > bounds.conversations || bytes > bounds.bytes)) gone.push(id);
    }
    for (const id of gone) await this.removeConversation(id);
    return gone;
  }

  async clear(): Promise<void> {
    const transaction = this.db.transaction(["conversations", "messages"], "readwrite");
    transaction.objectStore("conversations").clear();
    transaction.objectStore("messages").clear();
    await finished(transaction);
  }

  async export(): Promise<Exported> {
    const conversations = [];
    for (const conversation of await this.conversations()) {
      conversations.push({ ...conversation, messages: await this.messages(conversation.id) });
    }
    const exported = new Date().toISOString();
    return { format: "cocoon-conversations", version: 1, exported, conversations };
  }
}
