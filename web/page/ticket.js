// The order ticket: fields as the type of order wants them, what it would cost, and one button that sends it.

import { at, draw, make, pace, say } from "./dom.js";
import { amount, compare, compact, grouped, isDecimal, product, trimmed } from "./numbers.js";
import { AUCTION, FORCES, holdOf, orderOf, phaseNote, TYPES } from "./order.js";
import { serverClock } from "./rest.js";

const SELF_TRADES = { "": "allowed", "cancel-newest": "cancel the newest", "cancel-oldest": "cancel the oldest", "cancel-both": "cancel both", decrement: "reduce both" };
const RULES = { tick: "Tick", lot: "Lot", quantity: "Quantity", price: "Price", matching: "Matching", bands: "Price bands" };
const PEGS = { "best-bid": "best bid", "best-ask": "best ask", midpoint: "midpoint" };
const options = (names) => Object.entries(names).map(([value, textContent]) => make("option", { value, textContent }));

function field(name, label, control, unit = "") {
  control.name = name;
  control.id = `ticket-${name}`;
  const parts = [make("span", { textContent: label }), control];
  if (unit !== null) parts.push(make("span", { className: "unit", textContent: unit }));
  const box = make("label", { className: "field", data: { field: name } }, ...parts);
  if (name === "type") {
    box.classList.add("bare");
    box.firstChild.className = "unseen";
  }
  return box;
}

const numberBox = (words = {}) => make("input", { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false, maxLength: 40, ...words });

const HOUR_MS = 3_600_000;
/** Of what is free, in percent. */
const SHARES = [25, 50, 75, 100];

/** Beyond which prices an auction begins. */
function bandsOf(bands) {
  const parts = [];
  if (bands?.static_low) parts.push(`${grouped(bands.static_low)} – ${grouped(bands.static_high)}`);
  if (bands?.dynamic_basis_points) parts.push(`last ± ${bands.dynamic_basis_points / 100}%`);
  return parts.join(", ") || "none";
}

/** A time as a field for times has it: in the reader's own zone, to the minute. */
function localTime(ms) {
  const date = new Date(ms);
  return new Date(ms - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export class Ticket {
  #market = null;
  #sending = false;
  #key = null;
  #touched = false;
  #shown = {};
  rules = {};
  /** What there is to trade with; null where orders are not backed. */
  funds = null;

  /** `send(order)` sends one: a promise. `connect()`: a key is wanted. */
  constructor(send, connect) {
    this.send = send;
    this.connect = connect;
    this.draw = () => this.#draw();
    this.#build();
    this.side = "buy";
    this.#arrange();
  }

  /** Another market: prices of the last one mean nothing here. */
  show(market) {
    this.#market = market;
    for (const name of ["price", "trigger", "protection", "trail", "pegOffset", "quantity", "display", "minimum"]) this.#field(name).value = "";
    this.#touched = false;
    const { instrument } = market;
    const range = (low, high) => `${grouped(low)} – ${grouped(trimmed(high))}`;
    say(this.rules.tick, `${instrument.tick} ${instrument.quote}`);
    say(this.rules.lot, `${instrument.lot} ${instrument.base}`);
    say(this.rules.quantity, range(instrument.quantity_min, instrument.quantity_max));
    say(this.rules.price, range(instrument.price_min, instrument.price_max));
    say(this.rules.matching, instrument.matching);
    for (const unit of this.form.querySelectorAll("[data-unit]")) unit.textContent = market.instrument[unit.dataset.unit];
    draw(this.draw);
  }

  /** The account whose key is there; null for none. */
  known(key) {
    this.#key = key;
    draw(this.draw);
  }

  /** The book has changed: what an order would cost, too. */
  changed() {
    pace(this.draw);
  }

  get side() {
    return this.form.dataset.side;
  }

  set side(side) {
    this.form.dataset.side = side;
    for (const button of this.form.querySelectorAll(".sides button")) {
      const is = button.dataset.side === side;
      button.setAttribute("aria-checked", String(is));
      button.tabIndex = is ? 0 : -1;
    }
    this.submit.dataset.side = side;
    draw(this.draw);
  }

  /** Take a price from the book. */
  price(text) {
    const name = TYPES[this.type.value].needs.includes("price") ? "price" : TYPES[this.type.value].needs.includes("trigger") ? "trigger" : null;
    if (name) this.#field(name).value = text;
    else {
      this.type.value = "limit";
      this.#arrange();
      this.#field("price").value = text;
    }
    draw(this.draw);
  }

  focus(name) {
    const box = this.#field(name);
    if (box && !box.closest("[hidden]")) box.focus();
  }

  #field(name) {
    return this.form.elements[name];
  }

  #build() {
    const side = (name, text) => make("button", { type: "button", role: "radio", textContent: text, data: { side: name } });
    this.type = make("select", {}, ...Object.entries(TYPES).map(([value, { name }]) => make("option", { value, textContent: name })));
    this.force = make("select", { title: "Time in force" }, ...Object.entries(FORCES).map(([value, title]) => make("option", { value, textContent: value, title })));
    this.submit = make("button", { className: "submit", type: "submit", id: "submit" });
    this.wrong = make("p", { className: "wrong", role: "alert", id: "ticket-wrong" });
    this.sum = Object.fromEntries(["value", "average", "slippage", "hold", "free", "fee"].map((name) => [name, make("dd")]));
    const post = make("select", {}, ...options({ "": "may take", only: "post only", reprice: "post only, one tick off" }));
    const quote = (box) => (box.querySelector(".unit").dataset.unit = "quote") && box;
    const base = (box) => (box.querySelector(".unit").dataset.unit = "base") && box;
    this.form = make("form", { noValidate: true, autocomplete: "off" },
      make("div", { className: "sides", role: "radiogroup", "aria-label": "Side" }, side("buy", "Buy"), side("sell", "Sell")),
      make("div", { className: "pairwise" },
        field("type", "Type", this.type, null), field("force", "TIF", this.force, null)),
      quote(field("trigger", "Trigger", numberBox())),
      make("div", { className: "pairwise", data: { field: "trail" } },
        field("trail", "Trail", numberBox(), null), field("trailUnit", "in", make("select", {}, ...options({ points: "bp", distance: "price" })), null)),
      make("div", { className: "pairwise", data: { field: "peg" } },
        field("peg", "Peg to", make("select", {}, ...options(PEGS)), null), field("pegOffset", "Offset", numberBox({ placeholder: "0" }), null)),
      quote(field("price", "Price", numberBox())),
      quote(field("protection", "Worst price", numberBox({ placeholder: "any" }))),
      base(field("quantity", "Quantity", numberBox())),
      (this.shares = make("div", { className: "shares", role: "group", "aria-label": "Share of what is free", hidden: true },
        ...SHARES.map((share) => make("button", { type: "button", textContent: share === 100 ? "Max" : `${share}%`, data: { share: String(share) } })))),
      field("expires", "Until", make("input", { type: "datetime-local" }), null),
      make("details", { id: "ticket-more" }, make("summary", { textContent: "More" }), make("div", {},
        field("post", "Maker", post, null),
        make("label", { className: "check", data: { field: "hidden" } }, make("input", { type: "checkbox", name: "hidden", id: "ticket-hidden" }), "Hidden: not shown in the book"),
        base(field("display", "Show only", numberBox({ placeholder: "all" }))),
        base(field("minimum", "Fill at least", numberBox({ placeholder: "any" }))),
        field("selfTrade", "Self-trade", make("select", {}, ...options(SELF_TRADES)), null),
        field("cancelsWith", "Cancels with", numberBox({ inputMode: "text", maxLength: 36, placeholder: "client order id" }), null),
        field("triggeredBy", "Released by", numberBox({ inputMode: "text", maxLength: 36, placeholder: "client order id" }), null))),
      make("dl", { className: "sum" },
        make("div", { data: { sum: "value" } }, make("dt", { textContent: "Order value" }), this.sum.value),
        make("div", { data: { sum: "average" } }, make("dt", { textContent: "Average price" }), this.sum.average),
        make("div", { data: { sum: "slippage" } }, make("dt", { textContent: "From the best price" }), this.sum.slippage),
        make("div", { data: { sum: "hold" } }, make("dt", { textContent: "Will be held", title: "Until it has traded, or ended; where there are fees, the largest that it may cost is held beside it" }), this.sum.hold),
        make("div", { data: { sum: "fee" }, hidden: true }, make("dt", { textContent: "Fee, maker / taker" }), this.sum.fee),
        make("div", { data: { sum: "free" } }, make("dt", { textContent: "Free" }), this.sum.free)),
      (this.note = make("p", { className: "note", id: "ticket-phase", hidden: true })),
      make("div", { className: "send" }, this.wrong, this.submit),
      make("dl", { className: "sum rules" }, ...Object.entries(RULES).map(([name, textContent]) => make("div", {}, make("dt", { textContent }), (this.rules[name] = make("dd"))))));
    at("ticket").append(make("div", { className: "bar" }, make("h2", { textContent: "Order" })), this.form);
    this.#listen();
  }

  #listen() {
    const { form } = this;
    form.querySelector(".sides").addEventListener("click", (event) => {
      if (event.target.dataset.side) this.side = event.target.dataset.side;
    });
    form.querySelector(".sides").addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      this.side = this.side === "buy" ? "sell" : "buy";
      form.querySelector(`.sides [data-side=${this.side}]`).focus();
    });
    form.addEventListener("input", (event) => {
      if (event.target.inputMode === "decimal") event.target.value = event.target.value.replace(/,/g, ".").replace(/[^\d.-]/g, "");
      draw(this.draw);
    });
    form.addEventListener("change", () => this.#arrange());
    this.shares.addEventListener("click", (event) => this.#share(event.target.dataset.share));
    form.addEventListener("keydown", (event) => this.#stepped(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Up and down: one tick or lot, ten with shift. */
  #stepped(event) {
    const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const { name } = event.target;
    if (!steps || !this.#market) return;
    const step = ["price", "trigger", "protection"].includes(name) ? this.#market.tick : ["quantity", "display", "minimum"].includes(name) ? this.#market.lot : null;
    if (!step) return;
    event.preventDefault();
    const box = event.target;
    const best = this.#market.book.best[this.side === "buy" ? 0 : 1];
    const start = box.value || (step === this.#market.tick && best ? this.#market.tick.text(best) : "0");
    box.value = step.moved(start, steps * (event.shiftKey ? 10 : 1));
    draw(this.draw);
  }

  /** Show the fields that the type has. */
  #arrange() {
    const type = TYPES[this.type.value];
    const has = new Set([...type.needs, ...type.may, "type", "force", "quantity", "selfTrade", "cancelsWith", "triggeredBy"]);
    for (const option of this.force.options) option.disabled = option.hidden = !type.forces.includes(option.value);
    if (!type.forces.includes(this.force.value)) [this.force.value] = type.forces;
    if (this.force.value === "GTD") {
      has.add("expires");
      if (!this.#field("expires").value) this.#field("expires").value = localTime(serverClock.now() + HOUR_MS);
    }
    for (const element of this.form.querySelectorAll("[data-field]")) {
      const outer = element.parentElement.closest("[data-field]");
      if (!outer) element.hidden = !has.has(element.dataset.field);
    }
    draw(this.draw);
  }

  #read() {
    const form = { side: this.side };
    for (const element of this.form.elements) {
      if (element.name) form[element.name] = element.type === "checkbox" ? element.checked : element.value.trim();
    }
    return form;
  }

  #draw() {
    const market = this.#market;
    if (!market) return;
    const form = this.#read();
    const judged = orderOf(form, market, serverClock.now(), this.funds);
    const show = this.#touched && judged.problem;
    say(this.rules.bands, bandsOf(market.status.bands));
    const note = phaseNote(market.status.phase);
    say(this.note, note);
    this.note.hidden = !note;
    say(this.wrong, show ? judged.problem : "");
    for (const element of this.form.querySelectorAll("label[data-field]")) {
      const bad = Boolean(show && element.dataset.field === judged.field);
      element.classList.toggle("bad", bad);
      this.#field(element.dataset.field)?.setAttribute("aria-invalid", String(bad));
    }
    if (show && this.#shown.field !== judged.field) {
      const box = this.#field(judged.field);
      if (box?.closest("details")) at("ticket-more").open = true;
    }
    this.#shown = judged;
    this.#sums(form, market);
    this.#funds(form, market);
    const verb = this.side === "buy" ? "Buy" : "Sell";
    say(this.submit, this.#key ? (this.#sending ? "Sending …" : `${verb} ${market.instrument.base}`) : "Connect a key to trade");
    this.submit.disabled = this.#sending;
  }

  /** What it costs: at its price, or at what the book offers now. */
  #sums(form, market) {
    const { quote } = market.instrument;
    const priced = TYPES[form.type].needs.includes("price");
    const fine = isDecimal(form.quantity) && compare(form.quantity, "0") > 0;
    this.form.querySelector('[data-sum="average"]').hidden = this.form.querySelector('[data-sum="slippage"]').hidden = form.type !== "market";
    if (priced) {
      say(this.sum.value, fine && isDecimal(form.price) ? `${grouped(trimmed(product(form.price, form.quantity)))} ${quote}` : "—");
      return;
    }
    if (AUCTION.includes(form.force)) {
      for (const cell of Object.values(this.sum)) say(cell, "the auction's price");
      return;
    }
    const side = market.book[form.side === "buy" ? "asks" : "bids"];
    const lots = fine ? market.lot.count(form.quantity) : 0;
    const [got, paid] = side.taken(lots);
    if (!lots || !got || form.type !== "market") {
      for (const cell of Object.values(this.sum)) say(cell, lots && form.type === "market" ? "nothing is offered" : "—");
      return;
    }
    const average = paid / got;
    const off = Math.abs(average - side.ticks[0]) / side.ticks[0] * 100;
    say(this.sum.value, `≈ ${compact(paid * market.tick.number * market.lot.number)} ${quote}${got < lots ? ` for ${market.lot.text(got)}` : ""}`);
    say(this.sum.average, `≈ ${grouped((average * market.tick.number).toFixed(market.tick.places))}`);
    say(this.sum.slippage, `${off.toFixed(3)}%`);
  }

  /** What there is to trade with, and what of it the order would hold: where orders are backed, for who has a key. */
  #funds(form, market) {
    const known = Boolean(this.#key && this.funds?.clears);
    for (const name of ["hold", "free"]) this.form.querySelector(`[data-sum="${name}"]`).hidden = !known;
    this.shares.hidden = !known;
    const fees = known ? this.funds.feesOf(market.symbol) : undefined;
    const more = fees && form.side === "buy" && fees.paid_in === "quote" ? " + fee" : "";
    this.form.querySelector('[data-sum="fee"]').hidden = !fees;
    if (fees) say(this.sum.fee, `${trimmed(fees.maker_percent)}% / ${trimmed(fees.taker_percent)}%`);
    this.#field("protection").placeholder = known && form.side === "buy" ? "needed" : "any";
    if (!known) return;
    const asset = form.side === "buy" ? market.instrument.quote : market.instrument.base;
    const hold = holdOf(form, market);
    const free = this.funds.free(asset);
    say(this.sum.hold, hold ? `${grouped(amount(hold[0]))} ${asset}${more}` : form.triggeredBy ? "nothing until it is released" : "—");
    say(this.sum.free, `${grouped(amount(free))} ${asset}`);
    this.sum.hold.classList.toggle("down", Boolean(hold && !form.cancelsWith && compare(hold[0], free) > 0));
  }

  /** Fill the quantity from a share of what is free: at the order's price, or at the best one there is. */
  #share(percent) {
    const market = this.#market;
    if (!percent || !market) return;
    const form = this.#read();
    const { base, quote } = market.instrument;
    const buys = form.side === "buy";
    const best = market.book.best[1];
    const price = [form.price, form.protection].find((text) => isDecimal(text)) ?? (best ? market.tick.text(best) : null);
    if (buys && (!price || !compare(price, "0"))) return;
    const fees = this.funds.feesOf(market.symbol);
    // What buys holds its largest fee, too, where that is of the same asset.
    const dear = buys && fees?.paid_in === "quote" && fees.basis === "notional" ? Math.max(0, Number(fees.maker_percent), Number(fees.taker_percent)) : 0;
    const lots = market.lot.share(this.funds.free(buys ? quote : base), BigInt(percent), buys ? price : "1", BigInt(Math.ceil(dear * 1e7)));
    this.#field("quantity").value = lots;
    draw(this.draw);
  }

  async #submit() {
    if (!this.#key) return this.connect();
    if (this.#sending || !this.#market) return;
    this.#touched = true;
    const judged = orderOf(this.#read(), this.#market, serverClock.now(), this.funds);
    if (judged.problem) {
      this.#draw();
      this.focus(judged.field);
      return;
    }
    this.#sending = true;
    this.#draw();
    try {
      if (await this.send(judged.order)) this.#touched = false;
    } finally {
      this.#sending = false;
      draw(this.draw);
    }
  }
}
