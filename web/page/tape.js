// The trade tape: the newest trade first.

import { at, draw, make, pace, say } from "./dom.js";
import { clock, grouped } from "./numbers.js";

const KEPT_MAX = 200;
const RATE_MS = 10_000;

export class Tape {
  #trades = [];
  #rows = [];
  #market = null;

  constructor() {
    this.draw = () => this.#draw();
    new ResizeObserver(() => this.#fit()).observe(at("tape"));
    setInterval(() => draw(this.draw), 1_000);
  }

  show(market) {
    this.#market = market;
    this.#trades = [];
    say(at("tape-price"), `Price (${market.instrument.quote})`);
    say(at("tape-quantity"), `Quantity (${market.instrument.base})`);
    draw(this.draw);
  }

  /** Trades of the past, newest first; those that came meanwhile stay. */
  fill(trades) {
    const known = new Set(this.#trades.map((trade) => trade.trade_id));
    const merged = [...this.#trades, ...trades.filter((trade) => !known.has(trade.trade_id))];
    this.#trades = merged.sort((a, b) => b.trade_id - a.trade_id).slice(0, KEPT_MAX);
    draw(this.draw);
  }

  /** A trade that happened, or was corrected or busted: the same `trade_id` again. */
  take(trade) {
    const index = this.#trades.findIndex((one) => one.trade_id === trade.trade_id);
    if (index >= 0) this.#trades[index] = { ...this.#trades[index], ...trade };
    else if (!this.#trades.length || trade.trade_id > this.#trades[0].trade_id) this.#trades.unshift(trade);
    if (this.#trades.length > KEPT_MAX) this.#trades.length = KEPT_MAX;
    pace(this.draw);
  }

  get last() {
    return this.#trades.find((trade) => trade.state !== "busted");
  }

  #fit() {
    const box = at("tape");
    const height = parseFloat(getComputedStyle(box).getPropertyValue("--row")) || 20;
    const count = Math.max(1, Math.floor(box.clientHeight / height));
    while (this.#rows.length < count) {
      const cells = [make("span"), make("span"), make("span")];
      this.#rows.push({ cells, element: make("div", { className: "level" }, ...cells) });
    }
    this.#rows.length = count;
    box.replaceChildren(...this.#rows.map((row) => row.element));
    draw(this.draw);
  }

  #draw() {
    const shown = this.#trades.filter((trade) => trade.state !== "busted");
    this.#rows.forEach(({ cells, element }, index) => {
      const trade = shown[index];
      const kind = trade ? `level ${trade.taker_side ?? "auctioned"}${trade.state === "corrected" ? " corrected" : ""}` : "level";
      if (element.className !== kind) element.className = kind;
      say(cells[0], trade ? grouped(trade.price) : "");
      say(cells[1], trade ? trade.quantity : "");
      say(cells[2], trade ? clock(trade.time_ms) : "");
      element.title = trade && !trade.taker_side ? "Traded in an auction: nobody took" : "";
    });
    const since = Date.now() - RATE_MS;
    const recent = shown.findIndex((trade) => trade.time_ms < since);
    const count = recent < 0 ? shown.length : recent;
    say(at("tape-rate"), count ? `${(count / (RATE_MS / 1000)).toFixed(1)} a second` : "");
  }
}
