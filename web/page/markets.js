// The list of markets, and what stands of the chosen one in the top line.

import { at, draw, make, pace, say, sign } from "./dom.js";
import { compact, compare, grouped, percent, Step } from "./numbers.js";
import { Book } from "./book.js";
import { phaseOf } from "./phase.js";

/** A symbol as people write it: BTC/USD for BTC-USD, where these are its assets. */
const nameOf = ({ symbol, base, quote }) => (symbol === `${base}-${quote}` ? `${base}/${quote}` : symbol);

/** A change as far as it is seen: what is told as 0.00% is neither up nor down. */
const shown = (change) => Number((change ?? 0).toFixed(2));

/** The one that lies further out: statistics come each second, and a trade may be sooner. */
const further = (a, b, way) => (a && b ? (compare(a, b) * way > 0 ? a : b) : (a ?? b));

/** What is traded under a symbol, with its book. */
export class Market {
  constructor(instrument) {
    this.instrument = instrument;
    this.symbol = instrument.symbol;
    this.tick = new Step(instrument.tick);
    this.lot = new Step(instrument.lot);
    this.book = new Book(this.tick, this.lot);
    /** What it does at the moment, as the stream tells it. */
    this.status = instrument;
  }
}

export class Markets {
  #rows = new Map();
  #chosen = "";
  #statistics = null;
  #last = null;
  /** Which way the last trade that changed the price went. */
  #way = 0;

  /** `chosen(symbol)`. */
  constructor(chosen) {
    this.choose = chosen;
    this.draw = () => this.#draw();
    at("market-list").addEventListener("click", (event) => {
      const row = event.target.closest(".market");
      if (row) this.#take(row.dataset.symbol);
    });
    // At once: Enter may come before the next frame, and takes the first market that is left.
    at("market-search").addEventListener("input", this.draw);
    at("markets").addEventListener("keydown", (event) => this.#key(event));
    at("pair").addEventListener("click", () => (at("markets").classList.contains("shown") ? this.close() : this.open()));
    document.addEventListener("pointerdown", (event) => {
      if (!event.target.closest("#markets, #pair")) this.close();
    });
  }

  open() {
    at("markets").classList.add("shown");
    at("pair").setAttribute("aria-expanded", "true");
    at("market-search").focus();
  }

  close() {
    at("markets").classList.remove("shown");
    at("pair").setAttribute("aria-expanded", "false");
  }

  /** All instruments that there are. */
  fill(instruments) {
    for (const instrument of instruments) {
      const { symbol, base, quote } = instrument;
      if (this.#rows.has(symbol)) continue;
      const cells = { last: make("span", { textContent: "—" }), change: make("span") };
      const name = make("span", {}, make("strong", { textContent: nameOf(instrument) }), make("small"));
      const element = make("div", { className: "market market-row", role: "option", tabIndex: -1, data: { symbol } }, name, cells.last, cells.change);
      this.#rows.set(symbol, { ...cells, volume: name.lastChild, element, base, quote, name: nameOf(instrument), ticker: null });
      at("market-list").append(element);
    }
    draw(this.draw);
  }

  /** What a market does at the moment. */
  phase(symbol, phase) {
    const row = this.#rows.get(symbol);
    if (!row) return;
    const { name, kind } = phaseOf(phase);
    row.element.dataset.kind = kind;
    row.element.title = kind === "open" ? "" : name;
  }

  select(symbol) {
    this.#chosen = symbol;
    this.#statistics = null;
    this.#last = null;
    this.#way = 0;
    draw(this.draw);
  }

  /** The short statistics of a market. */
  ticker(ticker) {
    const row = this.#rows.get(ticker.symbol);
    if (!row) return;
    row.ticker = ticker;
    pace(this.draw);
  }

  /** The long statistics of the chosen market. */
  statistics(statistics) {
    if (statistics.symbol !== this.#chosen) return;
    this.#statistics = statistics;
    pace(this.draw);
  }

  /** The last trade of the chosen market: sooner than statistics, which come each second. */
  trade(price) {
    if (this.#last !== null && this.#last !== price) this.#way = Number(price) - Number(this.#last);
    this.#last = price;
    pace(this.draw);
  }

  #take(symbol) {
    this.close();
    this.choose(symbol);
  }

  #key(event) {
    const rows = [...at("market-list").children].filter((row) => !row.hidden);
    const now = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = now + (event.key === "ArrowDown" ? 1 : -1);
      if (next < 0) at("market-search").focus();
      else rows[Math.min(next, rows.length - 1)]?.focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const row = rows[Math.max(now, 0)];
      if (row) this.#take(row.dataset.symbol);
    }
  }

  #draw() {
    const searched = at("market-search").value.trim().toUpperCase().replace("/", "-");
    for (const [symbol, row] of this.#rows) {
      row.element.hidden = Boolean(searched) && !symbol.toUpperCase().includes(searched);
      row.element.setAttribute("aria-selected", String(symbol === this.#chosen));
      const { ticker } = row;
      if (!ticker) continue;
      const last = (symbol === this.#chosen && this.#last) || ticker.last;
      const change = last && ticker.open ? ((last - ticker.open) / ticker.open) * 100 : null;
      say(row.last, last ? grouped(last) : "—");
      say(row.change, change === null ? "" : percent(change));
      sign(row.change, shown(change));
      say(row.volume, ` ${compact(ticker.quote_volume, 1)} ${row.quote}`);
    }
    this.#top();
  }

  #top() {
    const row = this.#rows.get(this.#chosen);
    if (!row) return;
    const statistics = this.#statistics ?? row.ticker;
    const last = this.#last ?? statistics?.last;
    const { base, quote, name } = row;
    say(at("pair-name"), name);
    say(at("last"), last ? grouped(last) : "—");
    sign(at("last"), this.#way);
    const title = last ? `${grouped(last)} ${name} · matchbus` : `${name} · matchbus`;
    // Also the same title again is told to the browser's window.
    if (document.title !== title) document.title = title;
    const change = last && statistics?.open ? ((last - statistics.open) / statistics.open) * 100 : null;
    say(at("change"), change === null ? "no trade in 24 h" : percent(change));
    sign(at("change"), shown(change));
    const facts = {
      high: grouped(further(statistics?.high, last, 1) ?? ""),
      low: grouped(further(statistics?.low, last, -1) ?? ""),
      volume: statistics && compact(statistics.volume),
      quote_volume: statistics && compact(statistics.quote_volume),
      vwap: statistics?.vwap && grouped(Number(statistics.vwap).toFixed(Math.max(0, (last ?? "").split(".")[1]?.length ?? 0))),
      trades: statistics?.trades === undefined ? null : grouped(String(statistics.trades)),
      base,
      quote,
    };
    for (const cell of at("facts").querySelectorAll("[data-fact]")) say(cell, facts[cell.dataset.fact] || "—");
  }
}
