// The WebSocket: one connection for everything that moves. It comes back by itself, says again what was subscribed, and
// tells `state` ("connecting", "live", "lost"), `latency` in ms, `told` with the name of what it is told from now on, and
// each message under its `type`.

import { Bell } from "./dom.js";
import { serverClock } from "./rest.js";

const WAIT_MS_MIN = 250;
const WAIT_MS_MAX = 5_000;
/** A connection that says nothing for so long is gone, whatever the operating system believes. */
const SILENCE_MS_MAX = 15_000;
const PING_MS = 3_000;
/** What needs a login before it can be subscribed to; whoever hears of the login wants it. */
const OWN = new Set(["orders", "alerts", "money"]);

export class Stream extends Bell {
  #socket = null;
  #wait = WAIT_MS_MIN;
  #timer = 0;
  #heard = 0;
  #id = 0;
  #answers = new Map();
  /** What is wanted: by a name, so that the same again replaces it. */
  #wanted = new Map();
  /** Which of these this connection was told. */
  #told = new Set();
  #key = null;
  state = "connecting";
  /** Whether own channels may be subscribed to. */
  isLoggedIn = false;
  latency = null;

  constructor() {
    super();
    setInterval(() => this.#beat(), PING_MS);
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.hidden || this.#now());
  }

  /** Connect, now and whenever the connection is lost. */
  open() {
    clearTimeout(this.#timer);
    this.#set("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#take(event.data));
    socket.addEventListener("close", (event) => this.#socket === socket && this.#closed(event));
  }

  /** Wanted from now on, over reconnects too: `words` are channels, symbols and the like. */
  want(name, words) {
    this.drop(name);
    this.#wanted.set(name, words);
    this.#subscribe(name, words);
  }

  /** Wanted no more. */
  drop(name) {
    const before = this.#wanted.get(name);
    this.#wanted.delete(name);
    if (this.#told.delete(name)) this.#ask({ op: "unsubscribe", ...before });
  }

  /** Subscribe to the same again: whoever has missed something gets a snapshot. */
  again(name) {
    const words = this.#wanted.get(name);
    if (words) this.want(name, words);
  }

  /** The key that own orders are heard with; null for none. */
  async login(key) {
    this.#key = key;
    if (this.state === "live" && key) await this.#login();
    else if (this.state === "live") this.#socket.close();
  }

  /** Send and wait for the answer with the same id. */
  ask(words) {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#say({ ...words, id });
    });
  }

  async #login() {
    const timestamp = String(serverClock.now());
    const signature = await this.#key.sign(timestamp, "GET", "/ws");
    await this.ask({ op: "login", key: this.#key.id, timestamp: Number(timestamp), signature });
    this.isLoggedIn = true;
    this.tell("login", this.#key);
  }

  async #opened() {
    this.#wait = WAIT_MS_MIN;
    this.#set("live");
    for (const [name, words] of this.#wanted) if (!OWN.has(name)) this.#subscribe(name, words);
    this.#beat();
    this.tell("open");
    if (this.#key) await this.#login().catch((error) => this.tell("problem", error));
  }

  #subscribe(name, words) {
    if (this.state !== "live") return;
    this.#told.add(name);
    this.ask({ op: "subscribe", ...words }).then(() => this.tell("told", name), (error) => this.tell("problem", error));
  }

  #ask(words) {
    this.ask(words).catch((error) => this.tell("problem", error));
  }

  #take(data) {
    this.#heard = Date.now();
    const message = JSON.parse(data);
    const waiting = message.id === undefined ? undefined : this.#answers.get(message.id);
    if (waiting) {
      this.#answers.delete(message.id);
      if (message.type === "error") waiting.reject(Object.assign(new Error(message.message), message));
      else waiting.resolve(message);
    } else if (message.type === "error") this.tell("problem", Object.assign(new Error(message.message), message));
    this.tell(message.type, message);
  }

  #closed(event) {
    this.#socket = null;
    this.latency = null;
    for (const { reject } of this.#answers.values()) reject(new Error("The connection was lost."));
    this.#answers.clear();
    this.#told.clear();
    this.isLoggedIn = false;
    this.#set("lost", event.reason);
    // With some chance in it, so that not everybody comes back in the same moment.
    this.#timer = setTimeout(() => this.open(), this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(this.#wait * 2, WAIT_MS_MAX);
  }

  #beat() {
    if (this.state !== "live") return;
    if (Date.now() - this.#heard > SILENCE_MS_MAX) {
      const socket = this.#socket;
      this.#closed({ reason: "nothing was heard" });
      socket.close();
      return;
    }
    const sent = performance.now();
    this.ask({ op: "ping" }).then(() => {
      this.latency = performance.now() - sent;
      this.tell("latency", this.latency);
    }, () => {});
  }

  #now() {
    if (this.state !== "lost") return;
    this.#wait = WAIT_MS_MIN;
    this.open();
  }

  #say(words) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(words));
  }

  #set(state, why = "") {
    this.state = state;
    this.tell("state", { state, why });
  }
}
