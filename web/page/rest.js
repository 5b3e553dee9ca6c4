// REST: plain for market data, signed for everything of one's own. The secret is imported into the browser's own
// cryptography, used there, and kept in this tab's session storage only.

const STORED = "matchbus-key";
const TIMEOUT_MS = 10_000;
const hex = (bytes) => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Why something was not done, as the server says it: `code`, `reason`, `field`, `status`. */
export class Refused extends Error {
  constructor(status, problem) {
    // Written to stand behind a colon; here it stands alone.
    super(problem.message.charAt(0).toUpperCase() + problem.message.slice(1));
    Object.assign(this, { status, code: problem.code, reason: problem.reason, field: problem.field });
  }
}

/** An API key with its secret, ready to sign. */
export class Key {
  static async of(id, secret, account = "") {
    if (!crypto.subtle) throw new Error("This browser signs only over https or on localhost.");
    const usage = { name: "HMAC", hash: "SHA-256" };
    const key = new Key();
    key.id = id;
    key.account = account;
    key.secret = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), usage, false, ["sign"]);
    return key;
  }

  /** The hex signature over timestamp + method + path + body. */
  async sign(timestamp, method, path, body = "") {
    return hex(await crypto.subtle.sign("HMAC", this.secret, new TextEncoder().encode(timestamp + method + path + body)));
  }
}

/** The key of this tab, if one was pasted; a reload keeps it. */
export async function storedKey() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    return kept && (await Key.of(kept.id, kept.secret, kept.account));
  } catch {
    return null;
  }
}

export const keepKey = (id, secret, account) => sessionStorage.setItem(STORED, JSON.stringify({ id, secret, account }));
export const forgetKey = () => sessionStorage.removeItem(STORED);

/** How far the server's clock is ahead of ours, as measured over the round trip that took least. */
class ServerClock {
  #offset = 0;
  #best = Infinity;

  hear(sentMs, heardMs, serverMs) {
    const took = heardMs - sentMs;
    // A long time ago something may have been faster; clocks drift, so it counts less as time goes by.
    this.#best += 1;
    if (took > this.#best) return;
    this.#best = took;
    this.#offset = serverMs - (sentMs + heardMs) / 2;
  }

  now() {
    return Math.round(Date.now() + this.#offset);
  }
}

export const serverClock = new ServerClock();

/** Ask for the server's time. */
export async function compareClocks() {
  const sent = Date.now();
  serverClock.hear(sent, Date.now(), (await get("/api/v1/time")).time_ms);
}

async function request(method, path, words) {
  let answer;
  try {
    answer = await fetch(path, { method, credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS), ...words });
  } catch {
    throw new Refused(0, { message: "The server cannot be reached.", reason: "unreachable", code: 0, field: null });
  }
  let said = null;
  try {
    said = answer.status === 204 ? null : await answer.json();
  } catch {
    throw new Refused(answer.status, { message: `Status ${answer.status} without an answer that can be read.`, reason: "", code: 0 });
  }
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

/** Market data. */
export const get = (path) => request("GET", path, {});

/** How the processes behind the web are: said with 503, too. */
export async function readiness() {
  const answer = await fetch("/ready", { credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
  return answer.json();
}

/** Something of one's own. `body`: an object, or none. */
export async function signed(key, method, path, body) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const timestamp = String(serverClock.now());
  const headers = {
    "X-API-Key": key.id,
    "X-Timestamp": timestamp,
    "X-Signature": await key.sign(timestamp, method, path, text),
  };
  if (text) headers["Content-Type"] = "application/json";
  return request(method, path, { headers, body: text || undefined });
}
