// Calls to the stand-in, and the stream of what changes.

const query = new URLSearchParams(location.search);
let person = query.get("as") || "";

export const currentPerson = () => person;

/** Be somebody else: the page starts anew. */
export function become(id) {
  const next = new URL(location.href);
  next.searchParams.set("as", id);
  location.assign(next);
}

export class Refused extends Error {}

async function answer(reply) {
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Refused(body.error || `the stand-in answers with ${reply.status}`);
  return body;
}

/** Do something; throws Refused with the stand-in's words. */
export async function act(name, body = {}) {
  const reply = await fetch(`ui/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ as: person, ...body }),
  });
  return answer(reply);
}

/** Send a file with a message. */
export async function upload(kind, file, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ as: person, kind, ...fields })) {
    if (value !== undefined && value !== null) form.append(name, String(value));
  }
  form.append("file", file, file.name || "voice");
  return answer(await fetch("ui/upload", { method: "POST", body: form }));
}

/** Frames as they come; after a break the first is the whole state again. */
export function listen(onFrame, onLink) {
  const source = new EventSource(`ui/events?as=${encodeURIComponent(person)}`);
  source.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (frame.t === "state") person = String(frame.me.id);
    onFrame(frame);
  };
  source.onopen = () => onLink(true);
  source.onerror = () => onLink(false);
}
