// The depth ladder: asks above, bids below, each level with its quantity, the sum so far, and a bar as long as that.
//
// Rows are made once for the height there is, and only their texts change.

import { at, draw, make, pace, say, sign } from "./dom.js";
import { compact, grouped } from "./numbers.js";

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const STEPS_SHOWN = 7;

/** A sum of quantities: with its decimals while there is room for them. */
const sum = (amount, places) => (amount < 10_000 ? amount.toFixed(Math.min(places, 3)) : compact(amount));

class Row {
  constructor() {
    this.price = make("span", { className: "price" });
    this.quantity = make("span");
    this.total = make("span");
    this.bar = make("i");
    this.element = make("div", { className: "level", role: "button", tabIndex: -1 }, this.bar, this.price, this.quantity, this.total);
  }

  show(level, market, most, own) {
    if (!level) {
      if (!this.empty) {
        for (const cell of [this.price, this.quantity, this.total]) say(cell, "");
        this.bar.style.transform = "scaleX(0)";
        this.element.classList.remove("own");
        this.element.setAttribute("aria-disabled", "true");
        this.empty = true;
      }
      this.tick = undefined;
      return;
    }
    if (this.empty) this.element.removeAttribute("aria-disabled");
    this.empty = false;
    const [tick, lots, total] = level;
    say(this.price, grouped(market.tick.text(tick)));
    say(this.quantity, market.lot.text(lots));
    say(this.total, sum(total * market.lot.number, market.lot.places));
    this.bar.style.transform = `scaleX(${(total / most).toFixed(3)})`;
    this.element.classList.toggle("own", own);
    this.tick = tick;
  }
}

export class Ladder {
  #rows = { asks: [], bids: [] };
  #market = null;
  #last = 0;
  /** Which way the last trade that changed the price went. */
  #way = 0;

  /** `taken(price, side)`: a level was chosen. */
  constructor(taken) {
    this.taken = taken;
    this.ownTicks = new Map();
    this.draw = () => this.#draw();
    for (const name of ["asks", "bids"]) {
      new ResizeObserver(() => this.#fit(name)).observe(at(name));
      at(name).addEventListener("click", (event) => this.#choose(name, event.target.closest(".level")));
    }
    at("ladder").addEventListener("keydown", (event) => this.#key(event));
    at("step").addEventListener("change", () => draw(this.draw));
  }

  /** Another market; its book is empty yet. */
  show(market) {
    this.#market = market;
    const { instrument, tick } = market;
    say(at("book-price"), `Price (${instrument.quote})`);
    say(at("book-quantity"), `Quantity (${instrument.base})`);
    const steps = STEPS.map((count) => make("option", { value: String(count), textContent: tick.text(count) }));
    at("step").replaceChildren(...steps.filter((_, index) => index % 3 !== 1 || STEPS.length <= STEPS_SHOWN));
    draw(this.draw);
  }

  /** The price of the last trade, in ticks, and which way it went. */
  trade(tick) {
    if (this.#last && tick !== this.#last) this.#way = tick - this.#last;
    this.#last = tick;
    pace(this.draw);
  }

  clearTrade() {
    this.#last = this.#way = 0;
  }

  focus() {
    (this.#rows.bids.find((row) => row.tick !== undefined) ?? this.#rows.asks.at(-1))?.element.focus();
  }

  #fit(name) {
    const box = at(name);
    const height = parseFloat(getComputedStyle(box).getPropertyValue("--row")) || 20;
    const count = Math.max(1, Math.floor(box.clientHeight / height));
    const rows = this.#rows[name];
    while (rows.length < count) rows.push(new Row());
    rows.length = count;
    // Asks stand with the best one last.
    box.replaceChildren(...(name === "asks" ? [...rows].reverse() : rows).map((row) => row.element));
    rows[0].element.tabIndex = 0;
    draw(this.draw);
  }

  #draw() {
    const market = this.#market;
    if (!market) return;
    const { book, tick } = market;
    const step = Number(at("step").value) || 1;
    const shown = {};
    let most = 1;
    for (const name of ["asks", "bids"]) {
      shown[name] = book[name].levels(this.#rows[name].length, step);
      most = Math.max(most, shown[name].at(-1)?.[2] ?? 0);
    }
    for (const name of ["asks", "bids"]) {
      const down = name === "bids";
      const own = new Set([...(this.ownTicks.get(name) ?? [])].map((t) => (down ? Math.floor(t / step) : Math.ceil(t / step)) * step));
      this.#rows[name].forEach((row, index) => {
        const level = shown[name][index];
        row.show(level, market, most, Boolean(level && own.has(level[0])));
      });
    }
    this.#drawSpread(book, tick);
    const sums = ["bids", "asks"].map((name) => shown[name].at(-1)?.[2] ?? 0);
    const whole = sums[0] + sums[1];
    const share = whole ? sums[0] / whole : 0.5;
    say(at("balance-bid"), whole ? `${Math.round(share * 100)}%` : "—");
    say(at("balance-ask"), whole ? `${100 - Math.round(share * 100)}%` : "—");
    at("balance").querySelector("b").style.transform = `scaleX(${share.toFixed(3)})`;
  }

  #drawSpread(book, tick) {
    sign(at("mid"), this.#way);
    const [bid, ask] = book.best;
    const both = bid !== undefined && ask !== undefined;
    say(at("mid"), this.#last ? grouped(tick.text(this.#last)) : both ? grouped(tick.text(Math.round((bid + ask) / 2))) : "—");
    const percent = both ? (((ask - bid) / ((ask + bid) / 2)) * 100).toFixed(3) : "";
    if (both && ask <= bid) {
      // Orders collect: what they come to is the auction's to say.
      say(at("spread-text"), "crossed");
      return;
    }
    say(at("spread-text"), both ? `spread ${tick.text(ask - bid)} · ${percent}%` : "one side is empty");
  }

  #choose(name, element) {
    const row = this.#rows[name].find((one) => one.element === element);
    if (row?.tick !== undefined) this.taken(this.#market.tick.text(row.tick), name);
  }

  #key(event) {
    const elements = [...at("ladder").querySelectorAll(".level")];
    const now = elements.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (now < 0) return;
    if (step) {
      event.preventDefault();
      elements[Math.min(Math.max(now + step * (event.shiftKey ? 10 : 1), 0), elements.length - 1)].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#choose(document.activeElement.parentElement.id, document.activeElement);
    }
  }
}
