// What the market does at the moment: its phase in the top line with the time that is left, and the auction that is on.

import { at, draw, say } from "./dom.js";
import { grouped, trimmed } from "./numbers.js";
import { serverClock } from "./rest.js";

/** phase -> its name, and what it is for orders: "open", "collecting" or "shut". */
export const PHASES = {
  continuous: { name: "Continuous", kind: "open" },
  halted: { name: "Halted", kind: "shut" },
  closed: { name: "Closed", kind: "shut" },
  "pre-open": { name: "Pre-open", kind: "collecting" },
  "opening-auction": { name: "Opening auction", kind: "collecting" },
  "volatility-auction": { name: "Volatility auction", kind: "collecting" },
  "closing-auction": { name: "Closing auction", kind: "collecting" },
};
const UNKNOWN = { name: "Unknown phase", kind: "open" };

/** What is known of a phase; a newer exchange may have others. */
export const phaseOf = (phase) => PHASES[phase] ?? UNKNOWN;

/** A time that is left, in ms, as people write it: 0:05, 4:59, 1:00:00. */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3_600);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export class Phase {
  #market = null;

  constructor() {
    this.draw = () => this.#draw();
    setInterval(() => this.#market?.status.phase_ends_ms && draw(this.draw), 250);
  }

  /** Another market, or something else is known of this one. */
  show(market) {
    this.#market = market;
    draw(this.draw);
  }

  #draw() {
    const { instrument, status } = this.#market;
    const { name, kind } = phaseOf(status.phase);
    const badge = at("phase");
    badge.hidden = kind === "open";
    badge.dataset.kind = kind;
    say(at("phase-name"), kind === "open" ? "" : name);
    const isAuction = status.phase.endsWith("-auction");
    const ends = this.#ends(status, isAuction);
    say(at("phase-ends"), ends);
    const box = at("auction");
    box.hidden = !isAuction;
    if (!isAuction) return;
    const { price, quantity, imbalance } = status.indicative ?? { price: null, quantity: "0", imbalance: "0" };
    const more = Number(imbalance);
    say(at("auction-price"), price ? grouped(price) : "none yet");
    say(at("auction-quantity"), `${grouped(trimmed(quantity))} ${instrument.base}`);
    say(at("auction-side"), more > 0 ? "Buyers want more" : more < 0 ? "Sellers offer more" : "Imbalance");
    say(at("auction-imbalance"), more ? `${grouped(trimmed(imbalance.replace("-", "")))} ${instrument.base}` : "none");
    at("auction-imbalance").className = more > 0 ? "up" : more < 0 ? "down" : "";
    say(at("auction-ends"), ends || "when it is said");
  }

  /** When it ends; an auction whose time is over may still last for a time that nobody knows. */
  #ends({ phase_ends_ms: ends }, isAuction) {
    if (!ends) return "";
    const ms = ends - serverClock.now();
    return ms <= 0 && isAuction ? "any moment" : left(ms);
  }
}
