// Whether the page hears the exchange: the connection, its latency, and the parts behind it.

import { at, draw, make, say } from "./dom.js";
import { readiness, serverClock } from "./rest.js";
import { clock, grouped } from "./numbers.js";

const READY_MS = 5_000;

export class Status {
  #sequence = 0;
  #ready = null;
  /** Whom the web has lost, by name, as the stream tells. */
  #lost = new Set();

  constructor(stream) {
    this.stream = stream;
    this.draw = () => this.#draw();
    stream.on("state", () => {
      this.#lost.clear();
      this.#draw();
    });
    stream.on("latency", this.draw);
    setInterval(() => this.#ask(), READY_MS);
    setInterval(() => draw(this.draw), 1_000);
    this.#ask();
    at("connection").addEventListener("click", () => stream.state === "lost" && stream.open());
  }

  /** How far the market that is shown has come. */
  sequence(sequence) {
    this.#sequence = sequence;
  }

  /** Whether the web has lost somebody behind it. */
  upstream(name, lost) {
    if (lost) this.#lost.add(name);
    else this.#lost.delete(name);
    draw(this.draw);
    this.#ask();
  }

  async #ask() {
    if (document.hidden) return;
    try {
      this.#ready = await readiness();
    } catch {
      this.#ready = null;
    }
    draw(this.draw);
  }

  #draw() {
    const { state, latency } = this.stream;
    const button = at("connection");
    const bad = this.#lost.size > 0 || (this.#ready && !this.#ready.ready);
    button.dataset.state = state === "live" && bad ? "degraded" : state;
    const live = latency === null ? "Live" : `${latency < 10 ? latency.toFixed(1) : Math.round(latency)} ms`;
    const text = { connecting: "Connecting", live: bad ? "Degraded" : live, lost: "Reconnecting" }[state];
    say(at("connection-text"), text);
    button.title = { connecting: "Connecting to the exchange", live: `Connected; round trip ${live}`, lost: "The connection was lost; it is tried again. Click to try now." }[state];
    const gone = [...this.#lost].map((name) => ({ name, health: "away", problem: "The connection to it was lost." }));
    const parts = [...gone, ...(this.#ready?.parts ?? []).filter(({ name }) => !this.#lost.has(name))];
    const box = at("foot-parts");
    while (box.children.length > parts.length) box.lastChild.remove();
    while (box.children.length < parts.length) box.append(make("span", { className: "part" }));
    parts.forEach((part, index) => {
      say(box.children[index], part.health === "ok" ? part.name : `${part.name}: ${part.health}`);
      box.children[index].classList.toggle("bad", part.health !== "ok");
      box.children[index].title = part.problem;
    });
    say(at("foot-sequence"), this.#sequence ? `log ${grouped(String(this.#sequence))}` : "");
    say(at("foot-clock"), clock(serverClock.now()));
  }
}
