// The page: its parts, and what one tells the other. Everything that is drawn is drawn by a part.

import { AccountKey } from "./account.js";
import { Alerts } from "./alerts.js";
import { Candles } from "./candles.js";
import { Desk } from "./desk.js";
import { DepthChart } from "./depth.js";
import { at, draw, pace, tabs, toast } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { Ladder } from "./ladder.js";
import { Market, Markets } from "./markets.js";
import { Mine } from "./mine.js";
import { Money } from "./money.js";
import { grouped, trimmed } from "./numbers.js";
import { compareClocks, get, serverClock, signed } from "./rest.js";
import { Phase, phaseOf } from "./phase.js";
import { Status } from "./status.js";
import { Stream } from "./stream.js";
import { Tape } from "./tape.js";
import { Ticket } from "./ticket.js";

const CLOCK_MS = 60_000;
const TRADES = 100;
const SNAPSHOT_MS_MIN = 1_000;
const AGAIN_MS_MIN = 500;
const AGAIN_MS_MAX = 5_000;
/** What ended longer ago is no news. */
const AUCTION_NEWS_MS = 10_000;

class Page {
  market = null;
  #all = new Map();
  #interval = "1m";
  /** Runs for a while after the book was asked for. */
  #asked = 0;

  constructor() {
    this.stream = new Stream();
    this.status = new Status(this.stream);
    this.phase = new Phase();
    this.markets = new Markets((symbol) => this.show(symbol));
    this.candles = new Candles((interval) => this.interval(interval));
    this.depth = new DepthChart();
    this.tape = new Tape();
    this.account = new AccountKey((key) => this.#known(key));
    this.ticket = new Ticket((order) => this.#enter(order), () => this.account.open());
    this.money = new Money(() => this.ticket.changed(), () => this.#wantMoney());
    this.ticket.funds = this.money;
    this.ladder = new Ladder((price) => this.#takePrice(price));
    this.mine = new Mine((orders) => this.#ownOrders(orders));
    this.alerts = new Alerts();
    this.desk = new Desk();
    this.chartTab = tabs(at("tab-candles").parentElement, (id) => {
      at("intervals").hidden = at("averages").hidden = at("legend").hidden = id === "depth";
      this.depth.changed();
    });
    this.mineTab = tabs(at("mine-tabs"), (id) => {
      this.mine.showPast(id === "past");
      this.money.show(id);
    });
    this.#listen();
    listenToKeys(this);
    at("theme").addEventListener("click", () => this.theme());
    at("help").addEventListener("click", () => at("help-dialog").showModal());
    at("views").addEventListener("click", (event) => event.target.dataset.show && this.view(event.target.dataset.show));
  }

  /** Begin: whatever is not there yet is waited for. */
  async start() {
    this.stream.open();
    await this.account.begin();
    await this.#instruments();
    setInterval(() => compareClocks().catch(() => {}), CLOCK_MS);
  }

  /** Show a market. */
  async show(symbol) {
    const market = this.#all.get(symbol);
    if (!market || market === this.market) return;
    const before = this.market;
    this.market = market;
    history.replaceState(null, "", `#${symbol}`);
    this.markets.select(symbol);
    this.ladder.clearTrade();
    for (const part of [this.phase, this.ladder, this.tape, this.ticket, this.depth, this.mine, this.alerts, this.desk]) part.show(market);
    if (before) before.book.sequence = null;
    this.stream.want("market", { channels: ["book", "trades", "statistics"], symbols: [symbol] });
    this.stream.want("candles", { channels: [`klines_${this.#interval}`], symbols: [symbol] });
    this.#history(market);
  }

  /** Show candles of another interval. */
  async interval(interval) {
    if (interval === this.#interval || !this.market) return;
    this.#interval = interval;
    this.stream.want("candles", { channels: [`klines_${interval}`], symbols: [this.market.symbol] });
    const { market } = this;
    await this.#until(market, async () => interval === this.#interval && this.candles.show(market, interval));
  }

  theme() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Not kept, then.
    }
    this.candles.paint();
    this.depth.changed();
  }

  /** On a phone: which part is seen. */
  view(name) {
    document.body.dataset.view = name;
    for (const button of at("views").children) {
      if (button.dataset.show === name) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    draw(this.ladder.draw);
    this.depth.changed();
  }

  async #instruments() {
    try {
      await compareClocks();
      const { symbols } = await get("/api/v1/symbols");
      for (const instrument of symbols) if (!this.#all.has(instrument.symbol)) this.#all.set(instrument.symbol, new Market(instrument));
      this.markets.fill(symbols);
      for (const { symbol, phase } of symbols) this.markets.phase(symbol, phase);
      this.#tickers();
      const wanted = decodeURIComponent(location.hash.slice(1));
      if (!this.market && symbols.length) await this.show(this.#all.has(wanted) ? wanted : symbols[0].symbol);
      // A venue may be empty when the page is opened.
      if (!symbols.length) setTimeout(() => this.#instruments(), 2_000);
    } catch {
      setTimeout(() => this.#instruments(), 1_000);
    }
  }

  #tickers() {
    this.stream.want("tickers", { channels: ["tickers"], symbols: [...this.#all.keys()] });
    this.stream.want("status", { channels: ["status"], symbols: [...this.#all.keys()] });
    get("/api/v1/statistics").then(({ statistics }) => statistics.forEach((one) => this.markets.ticker(one)), () => {});
  }

  /** What happened before the stream began, or while it was away. */
  #history(market) {
    const name = encodeURIComponent(market.symbol);
    this.#until(market, async () => {
      const { trades } = await get(`/api/v1/executions/${name}?limit=${TRADES}`);
      if (market !== this.market) return;
      this.tape.fill(trades);
      if (this.tape.last) this.#last(this.tape.last.price);
    });
    this.#until(market, async () => this.markets.statistics(await get(`/api/v1/statistics/${name}`)));
    this.#until(market, () => this.candles.show(market, this.#interval));
  }

  /** Ask until it is answered, or another market is shown: whatever answers may begin later than the page. */
  async #until(market, ask) {
    let wait = AGAIN_MS_MIN;
    while (market === this.market) {
      try {
        await ask();
        return;
      } catch (error) {
        // What was asked wrongly is answered no better the next time.
        if (error.status >= 400 && error.status < 500 && error.status !== 429) return;
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(wait * 2, AGAIN_MS_MAX);
      }
    }
  }

  #listen() {
    const { stream } = this;
    stream.on("book", (message) => this.#book(message));
    stream.on("trade", (message) => this.#trade(message));
    stream.on("trade_revised", (message) => message.symbol === this.market?.symbol && this.tape.take(message));
    stream.on("kline", (message) => this.candles.take(message));
    stream.on("ticker", (message) => this.markets.ticker(message));
    stream.on("status", (message) => this.#status(message));
    stream.on("statistics", (message) => this.markets.statistics(message));
    stream.on("alert", (message) => this.alerts.fired(message));
    stream.on("report", (message) => this.mine.happened(message.sequence));
    stream.on("balances", (message) => this.money.take(message));
    stream.on("moved", (message) => this.money.moved(message));
    stream.on("gap", (message) => this.#gap(message));
    stream.on("login", () => {
      stream.want("orders", { channels: ["orders"] });
      stream.want("alerts", { channels: ["alerts"] });
      this.#wantMoney();
    });
    // What happened before was not told.
    stream.on("told", (name) => {
      const part = { orders: this.mine, alerts: this.alerts, money: this.money }[name];
      if (!part) return;
      part.reported = true;
      part.refresh();
    });
    stream.on("upstream", ({ name, state }) => {
      this.status.upstream(name, state === "lost");
      if (state === "back") this.mine.refresh();
    });
    let lost = false;
    stream.on("state", ({ state }) => {
      lost ||= state === "lost";
      this.mine.reported &&= state === "live";
      this.alerts.reported &&= state === "live";
      this.money.reported &&= state === "live";
    });
    stream.on("open", () => {
      // What was missed meanwhile is not told again.
      if (lost && this.market) this.#again();
      lost = false;
    });
  }

  /** Something is not told by the stream: ask for it. What was withdrawn may never have happened. */
  #gap({ symbol, reason }) {
    if (symbol !== this.market?.symbol) return;
    if (reason === "withdrawn") {
      this.tape.show(this.market);
      this.candles.forget();
    }
    this.#history(this.market);
  }

  #again() {
    this.#history(this.market);
    this.#tickers();
    this.mine.refresh();
  }

  #book(message) {
    const { market } = this;
    if (message.symbol !== market?.symbol) return;
    if (!market.book.take(message)) {
      this.#snapshot();
      return;
    }
    this.status.sequence(message.seq);
    pace(this.ladder.draw);
    this.depth.changed();
    this.ticket.changed();
  }

  /** Ask for the whole book: not more often than it helps. */
  #snapshot() {
    if (this.#asked) return;
    this.#asked = setTimeout(() => {
      this.#asked = 0;
      if (this.market.book.sequence === null) this.#snapshot();
    }, SNAPSHOT_MS_MIN);
    this.stream.again("market");
  }

  #trade(message) {
    if (message.symbol !== this.market?.symbol) return;
    this.tape.take(message);
    this.candles.trade(message);
    this.#last(message.price);
  }

  /** What a market does at the moment. */
  #status(message) {
    const market = this.#all.get(message.symbol);
    if (!market) return;
    const before = market.status.last_auction?.time_ms;
    market.status = message;
    this.markets.phase(message.symbol, message.phase);
    if (market !== this.market) return;
    this.phase.show(market);
    this.ticket.changed();
    const ended = message.last_auction;
    if (ended && before !== ended.time_ms && serverClock.now() - ended.time_ms < AUCTION_NEWS_MS) {
      toast("", `${phaseOf(ended.phase).name} ended`, ended.price ? `${trimmed(ended.quantity)} at ${grouped(ended.price)}` : "nothing was traded");
    }
  }

  #last(price) {
    this.markets.trade(price);
    this.ladder.trade(this.market.tick.count(price));
  }

  #takePrice(price) {
    this.ticket.price(price);
    this.view("ticket");
    this.ticket.focus("quantity");
  }

  /** Balances and what moves them are told once it is known that there are any, and to whom. */
  #wantMoney() {
    if (this.money.clears && this.stream.isLoggedIn) this.stream.want("money", { channels: ["balances", "movements"] });
  }

  #known(key) {
    this.ticket.known(key);
    this.mine.known(key);
    this.alerts.known(key);
    this.money.known(key);
    this.desk.known(key);
    // Without a login own orders are looked for over REST: later, and as well.
    this.stream.login(key).catch(() => {});
    this.mineTab("open");
    if (!key) for (const name of ["orders", "alerts", "money"]) this.stream.drop(name);
  }

  async #enter(order) {
    // A name of its own, so that an order that was sent twice is one order.
    const named = { ...order, client_order_id: `page-${crypto.randomUUID().slice(0, 23)}` };
    const what = `${order.side === "buy" ? "Buy" : "Sell"} ${order.quantity} ${this.#all.get(order.symbol).instrument.base}`;
    try {
      const said = await signed(this.account.key, "POST", "/v1/order", named);
      const ended = said.status === "cancelled";
      const why = said.reason ? said.reason.replaceAll("_", " ") : "";
      const terms = order.price ? `at ${grouped(order.price)}` : "";
      if (said.status !== "filled") toast(ended ? "bad" : "", `${what}: ${said.status}`, ended ? why : terms);
      this.mine.happened(said.sequence);
      return true;
    } catch (error) {
      if (error.reason === "unknown" || error.status === 0) await this.#settle(named, what);
      else toast("bad", `${what}: ${error.reason === "insufficient_funds" ? "not enough funds" : "not taken"}`, error.message);
      return false;
    }
  }

  /** Nobody said what became of an order: ask for it by its name. */
  async #settle(order, what) {
    toast("", `${what}: not known yet`, "No answer came in time. Asking what became of it.");
    try {
      const said = await signed(this.account.key, "GET", `/v1/order?client_order_id=${encodeURIComponent(order.client_order_id)}`);
      toast("", `${what}: ${said.status}`);
    } catch (error) {
      toast("bad", `${what}: ${error.reason === "unknown_order" ? "was not entered" : "still not known"}`, error.message);
    }
    this.mine.refresh();
  }

  #ownOrders(orders) {
    const own = orders.filter((order) => order.symbol === this.market?.symbol && order.price && order.status === "open");
    const ticks = (side) => own.filter((order) => order.side === side && !order.hidden).map((order) => this.market.tick.count(order.price));
    this.ladder.ownTicks = new Map([["bids", ticks("buy")], ["asks", ticks("sell")]]);
    draw(this.ladder.draw);
    this.candles.own(own.map((order) => ({ key: order.order_id, price: order.price, side: order.side, text: `${order.side} ${order.remaining_quantity}` })));
  }
}

new Page().start();
