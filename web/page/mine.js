// What is one's own: open orders, fills, orders of the past. Asked for over REST whenever a report says that something
// happened, so that what is shown is what the history has.

import { ask, at, make, say, toast } from "./dom.js";
import { compare, dayAndClock, exact, grouped, isDecimal, placesOf, textOf } from "./numbers.js";
import { signed } from "./rest.js";
import { cell, meter, number, sideCell, table } from "./rows.js";
import { TYPES } from "./order.js";

/** Reports come by the hundred; the lists are read again so often at most. */
const READ_MS_MIN = 400;
const ROWS = 100;
/** Reports say at once that something happened; this finds what no report has told, more often where none comes. */
const LOOK_MS = 1_000;
const LOOKS_WITH_REPORTS = 10;

const OPEN_COLUMNS = [["Time"], ["Market"], ["Side"], ["Type"], ["Price", "number"], ["Trigger", "number"], ["Quantity", "number"], ["Filled", "number"], ["Status"], [""]];
const FILL_COLUMNS = [["Time"], ["Market"], ["Side"], ["Price", "number"], ["Quantity", "number"], ["Value", "number"], ["Role"], ["Order", "number"], ["Trade", "number"]];
const PAST_COLUMNS = [["Time"], ["Market"], ["Side"], ["Type"], ["Price", "number"], ["Quantity", "number"], ["Filled", "number"], ["Average", "number"], ["Status"], ["Order", "number"]];

export class Mine {
  #key = null;
  #open = [];
  /** Whether there are more than those. */
  #more = false;
  #asking = false;
  #again = false;
  #asked = 0;
  #atLeast = 0;
  #symbol = "";
  #pastShown = false;
  #seenFill = null;
  /** Whether the stream tells of own orders. */
  reported = false;

  /** `changed(orders)`: the open orders are these. */
  constructor(changed) {
    this.changed = changed;
    this.tables = { open: table(OPEN_COLUMNS), fills: table(FILL_COLUMNS), past: table(PAST_COLUMNS) };
    for (const [name, { whole }] of Object.entries(this.tables)) {
      at(name).append(whole, make("p", { className: "empty" }));
    }
    at("cancel-all").addEventListener("click", () => this.cancelAll());
    at("only-this").addEventListener("change", () => this.refresh());
    at("open").addEventListener("click", (event) => {
      const id = event.target.dataset?.cancel;
      if (id) this.#cancel(this.#open.find((order) => String(order.order_id) === id), event.target);
    });
    this.#tell();
    let looks = 0;
    setInterval(() => {
      looks += 1;
      if (!document.hidden && (!this.reported || looks % LOOKS_WITH_REPORTS === 0)) this.refresh();
    }, LOOK_MS);
  }

  /** Whose orders; null for nobody's. */
  known(key) {
    this.#key = key;
    this.#atLeast = 0;
    this.#seenFill = null;
    if (key) this.refresh();
    else {
      this.#open = [];
      this.#more = false;
      for (const { body } of Object.values(this.tables)) body.replaceChildren();
      this.#tell();
      this.changed([]);
    }
  }

  show(market) {
    this.#symbol = market.symbol;
    if (at("only-this").checked) this.refresh();
  }

  /** Something happened at this sequence of the log. */
  happened(sequence) {
    this.#atLeast = Math.max(this.#atLeast, sequence ?? 0);
    this.refresh();
  }

  /** The orders of the past are wanted, too. */
  showPast(shown) {
    this.#pastShown = shown;
    if (shown) this.refresh();
  }

  /** Read all lists again: soon, and once for all who ask meanwhile. */
  async refresh() {
    if (!this.#key) return;
    this.#again = true;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#again) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, this.#asked + READ_MS_MIN - Date.now())));
      this.#again = false;
      this.#asked = Date.now();
      try {
        await this.#read(this.#key);
      } catch (error) {
        say(at("open").querySelector(".empty"), `Not known at the moment: ${error.message}`);
        at("open").querySelector(".empty").hidden = false;
        // Whatever keeps it from being answered passes: ask again, without hurry.
        setTimeout(() => this.refresh(), 2_000);
        break;
      }
    }
    this.#asking = false;
  }

  async cancelAll() {
    if (!this.#key || !this.#open.length) return;
    const only = at("only-this").checked ? this.#symbol : null;
    const count = this.#more ? `more than ${this.#open.length}` : this.#open.length;
    if (!(await ask("Cancel all orders?", `This cancels all your open orders ${only ? `in ${only}` : "in all markets"}: ${count}.`, "Cancel all"))) return;
    try {
      const said = await signed(this.#key, "POST", "/v1/order/cancel_all", only ? { symbol: only } : {});
      toast("", `${said.cancelled} ${said.cancelled === 1 ? "order" : "orders"} cancelled`);
      this.happened(said.sequence);
    } catch (error) {
      toast("bad", "Not cancelled", error.message);
    }
  }

  async #cancel(order, button) {
    if (!order) return;
    button.disabled = true;
    try {
      const said = await signed(this.#key, "POST", "/v1/order/cancel", { symbol: order.symbol, order_id: order.order_id });
      this.happened(said.sequence);
    } catch (error) {
      toast("bad", "Not cancelled", error.message);
      button.disabled = false;
      this.refresh();
    }
  }

  async #read(key) {
    const only = at("only-this").checked ? `&symbol=${encodeURIComponent(this.#symbol)}` : "";
    const words = `limit=${ROWS}${only}${this.#atLeast ? `&at_least=${this.#atLeast}` : ""}`;
    const [open, fills, past] = await Promise.all([
      signed(key, "GET", `/v1/orders?order=newest&${words}`),
      signed(key, "GET", `/v1/execution?${words}`),
      this.#pastShown ? signed(key, "GET", `/v1/orders/history?${words}`) : null,
    ]);
    if (key !== this.#key) return;
    this.#open = open.orders;
    this.#fill("open", open.orders.map((order) => this.#openRow(order)));
    this.#fill("fills", fills.executions.map((one) => this.#fillRow(one)));
    if (past) this.#fill("past", past.orders.map((order) => this.#pastRow(order)));
    this.#announce(fills.executions);
    this.#more = open.more;
    this.#tell();
    this.changed(open.orders);
  }

  #fill(name, rows) {
    const { body } = this.tables[name];
    const focused = body.contains(document.activeElement) ? document.activeElement.dataset.cancel : null;
    body.replaceChildren(...rows);
    if (focused) (body.querySelector(`[data-cancel="${focused}"]`) ?? body.querySelector("[data-cancel]") ?? at(name)).focus();
  }

  /** Tell of fills that are new since the last look: one line an order, however many trades it took. */
  #announce(fills) {
    const fresh = this.#seenFill === null ? [] : fills.filter((fill) => fill.report_number > this.#seenFill);
    this.#seenFill = fills[0]?.report_number ?? 0;
    const orders = Map.groupBy ? Map.groupBy(fresh, (fill) => fill.order_id) : new Map(fresh.map((fill) => [fill.order_id, [fill]]));
    for (const trades of [...orders.values()].slice(0, 3)) {
      const [last] = trades;
      const places = placesOf(last.quantity);
      const quantity = textOf(trades.reduce((sum, fill) => sum + exact(fill.quantity, places), 0n), places);
      const paid = trades.reduce((sum, fill) => sum + Number(fill.price) * Number(fill.quantity), 0);
      const average = (paid / Number(quantity)).toFixed(placesOf(last.price ?? "0"));
      const open = compare(last.remaining_quantity, "0") > 0;
      toast("good", `${last.side === "buy" ? "Bought" : "Sold"} ${quantity} ${last.symbol.split("-")[0]} at ${grouped(average)}`,
        open ? `${last.remaining_quantity} of it is still open` : "The order is filled");
    }
  }

  #tell() {
    const count = this.#open.length;
    say(at("open-count"), count ? String(count) + (this.#more ? "+" : "") : "");
    at("cancel-all").disabled = !count;
    const words = {
      open: this.#key ? "No open orders." : "Connect a key to see your orders here.",
      fills: this.#key ? "Nothing traded yet." : "Connect a key to see your fills here.",
      past: this.#key ? "No orders yet." : "Connect a key to see your orders here.",
    };
    for (const [name, { whole, body }] of Object.entries(this.tables)) {
      const empty = at(name).querySelector(".empty");
      say(empty, words[name]);
      empty.hidden = body.children.length > 0;
      whole.hidden = body.children.length === 0;
    }
  }

  #openRow(order) {
    const share = Number(order.filled_quantity) / Number(order.quantity);
    const button = make("button", { className: "row-cancel", textContent: "Cancel", "aria-label": `Cancel ${order.side} ${order.quantity} ${order.symbol}`, data: { cancel: String(order.order_id) } });
    return make("tr", { data: { order: String(order.order_id) } },
      cell("Time", dayAndClock(order.entered_ms)),
      cell("Market", order.symbol),
      sideCell(order.side),
      cell("Type", this.#typeText(order)),
      number("Price", order.price ? grouped(order.price) : order.type === "pegged" ? (order.peg ?? "—") : "market"),
      number("Trigger", triggerText(order)),
      number("Quantity", order.quantity),
      cell("Filled", "", { className: "number", child: make("span", {}, `${(share * 100).toFixed(share && share < 0.1 ? 1 : 0)}%`, meter(share)) }),
      cell("Status", order.status),
      cell("", "", { child: button }));
  }

  #typeText(order) {
    const marks = [TYPES[order.type].name];
    if (order.time_in_force !== "GTC") marks.push(order.time_in_force);
    if (order.post_only || order.post_only_reprice) marks.push("post only");
    if (order.hidden) marks.push("hidden");
    if (order.display_quantity) marks.push("iceberg");
    return marks.join(" · ");
  }

  #fillRow(one) {
    const value = one.price && isDecimal(one.price) ? grouped((Number(one.price) * Number(one.quantity)).toFixed(2)) : "—";
    return make("tr", {},
      cell("Time", dayAndClock(one.time_ms)),
      cell("Market", one.symbol),
      sideCell(one.side),
      number("Price", one.state === "busted" ? "busted" : grouped(one.price)),
      number("Quantity", one.quantity),
      number("Value", `${value} ${one.symbol.split("-")[1] ?? ""}`),
      cell("Role", one.liquidity),
      number("Order", String(one.order_id)),
      number("Trade", String(one.trade_id)));
  }

  #pastRow(order) {
    const filled = Number(order.filled_quantity);
    return make("tr", {},
      cell("Time", dayAndClock(order.entered_ms)),
      cell("Market", order.symbol),
      sideCell(order.side),
      cell("Type", this.#typeText(order)),
      number("Price", order.price ? grouped(order.price) : "market"),
      number("Quantity", order.quantity),
      number("Filled", order.filled_quantity),
      number("Average", filled ? grouped((Number(order.quote_volume) / filled).toFixed((order.price ?? "0.00").split(".")[1]?.length ?? 0)) : "—"),
      cell("Status", order.reason && order.status !== "filled" ? `${order.status}: ${order.reason.replaceAll("_", " ")}` : order.status),
      number("Order", String(order.order_id)));
  }
}

function triggerText(order) {
  if (order.trigger_price) return grouped(order.trigger_price);
  if (order.trail_basis_points) return `${order.trail_basis_points / 100}% away`;
  return order.trail_distance ? `${order.trail_distance} away` : "—";
}
