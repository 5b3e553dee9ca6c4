// Money, where the venue clears: balances as the stream tells them, movements and positions as the history has them.
// Where it does not clear nothing of this is shown.

import { at, make, say, sign, toast } from "./dom.js";
import { amount, compare, dayAndClock, grouped, plus, trimmed } from "./numbers.js";
import { signed } from "./rest.js";
import { cell, meter, number, table } from "./rows.js";

const ROWS = 100;
/** Lists of the history are read again so often at most. */
const READ_MS_MIN = 500;
/** What positions are worth moves with the market: looked at so often while they are shown. */
const LOOK_MS = 2_000;
/** Balances are told by the stream; whoever is not told asks. */
const LOOKS_WITH_STREAM = 5;
const KINDS = { deposit: "Deposit", withdrawal: "Withdrawal", transfer: "Transfer", trade: "Trade", fee: "Fee" };
const TABS = ["balances", "positions", "movements"];
const COLUMNS = {
  balances: [["Asset"], ["Total", "number"], ["Held by orders", "number"], ["Free", "number"]],
  positions: [["Market"], ["Quantity", "number"], ["Average price", "number"], ["Last price", "number"], ["Value", "number"], ["Unrealised", "number"], ["Realised", "number"], ["Today", "number"], ["Fees", "number"]],
  movements: [["Time"], ["What"], ["Asset"], ["Amount", "number"], ["Balance", "number"], ["About"]],
};
const EMPTY = { balances: "No money yet.", positions: "No positions.", movements: "Nothing has moved yet." };

export class Money {
  #key = null;
  #rows = new Map();
  #fees = null;
  #shown = "";
  #reading = false;
  #again = false;
  #read = 0;
  /** Whether the venue clears; null before that is known. */
  clears = null;
  /** Whether the stream tells of balances. */
  reported = false;

  /** `changed()`: balances, or whether there are any. `found()`: the venue clears, so that the stream may be asked;
   * again where it was, and does not tell. */
  constructor(changed, found) {
    this.changed = changed;
    this.found = found;
    this.tables = Object.fromEntries(TABS.map((name) => [name, table(COLUMNS[name])]));
    for (const name of TABS) at(name).append(this.tables[name].whole, make("p", { className: "empty" }));
    this.method = make("p", { className: "quiet caption", textContent: "At average cost, marked at the last trade; profits are without fees.", hidden: true });
    at("positions").append(this.method);
    this.tier = make("p", { className: "quiet caption", id: "fee-tier", hidden: true });
    at("balances").append(this.tier);
    let looks = 0;
    setInterval(() => {
      looks += 1;
      if (document.hidden || !this.#key || this.clears === false) return;
      if (this.clears === null || !this.reported || looks % LOOKS_WITH_STREAM === 0) this.#ask();
      if (this.#shown === "positions") this.refresh();
    }, LOOK_MS);
    this.#draw();
  }

  /** Whose money; null for nobody's. */
  known(key) {
    this.#key = key;
    this.clears = null;
    this.#rows.clear();
    this.#fees = null;
    for (const name of TABS) this.tables[name].body.replaceChildren();
    this.#draw();
    if (key) this.#ask();
  }

  /** One of the tabs is looked at; another name for none. */
  show(name) {
    this.#shown = TABS.includes(name) ? name : "";
    if (this.#shown) this.refresh();
  }

  /** What of an asset is free, as text. */
  free(asset) {
    return this.#rows.get(asset)?.free ?? "0";
  }

  /** What a market costs, `{ maker_percent, taker_percent, ... }`; undefined where that is nothing, or not known. */
  feesOf(symbol) {
    return this.#fees?.fees.find((one) => one.symbol === symbol);
  }

  /** The stream says what there is, or what of it has changed. */
  take({ snapshot, balances }) {
    if (!this.#key) return;
    if (snapshot) this.#rows.clear();
    for (const row of balances) this.#rows.set(row.asset, row);
    this.#draw();
  }

  /** The stream says that something moved. */
  moved({ movements }) {
    for (const { kind, asset, amount: much } of movements) {
      if (kind === "deposit") toast("good", `${amount(much)} ${asset} came in`);
      if (kind === "withdrawal") toast("", `${amount(much.slice(1))} ${asset} left`);
    }
    this.refresh();
  }

  /** Read the list that is looked at again: soon, and once for all who ask meanwhile. */
  async refresh() {
    if (!this.#key || !this.clears || !this.#shown || this.#shown === "balances") return;
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, this.#read + READ_MS_MIN - Date.now())));
      this.#again = false;
      this.#read = Date.now();
      await this.#list(this.#key, this.#shown).catch(() => {});
    }
    this.#reading = false;
  }

  async #ask() {
    const key = this.#key;
    try {
      const [{ balances }, fees] = await Promise.all([signed(key, "GET", "/api/v1/balances"), signed(key, "GET", "/api/v1/fees")]);
      if (key !== this.#key) return;
      this.#fees = fees;
      this.clears = true;
      this.take({ snapshot: true, balances });
      if (!this.reported) this.found();
    } catch (error) {
      if (key !== this.#key || error.reason !== "no_clearing") return;
      this.clears = false;
      this.#draw();
    }
  }

  async #list(key, name) {
    if (!key || !name) return;
    const said = await signed(key, "GET", `/api/v1/${name}?limit=${ROWS}`);
    if (key !== this.#key) return;
    const row = name === "movements" ? movementRow : positionRow;
    this.tables[name].body.replaceChildren(...said[name].map(row));
    this.#tell();
  }

  #draw() {
    for (const name of TABS) at(`tab-${name}`).hidden = !this.clears;
    const rows = [...this.#rows.values()].sort((a, b) => (a.asset < b.asset ? -1 : 1));
    this.tables.balances.body.replaceChildren(...rows.map(balanceRow));
    say(this.tier, this.#fees ? tierText(this.#fees) : "");
    this.tier.hidden = !this.tier.textContent;
    this.#tell();
    this.changed();
  }

  #tell() {
    for (const [name, { whole, body }] of Object.entries(this.tables)) {
      const empty = at(name).querySelector(".empty");
      say(empty, EMPTY[name]);
      empty.hidden = body.children.length > 0;
      whole.hidden = body.children.length === 0;
    }
    this.method.hidden = this.tables.positions.whole.hidden;
  }
}

/** Where an account stands among the tiers of fees; "" where nothing costs anything. */
function tierText({ tier, tiers, volume, next_volume, group, discount_percent, fees }) {
  if (!fees.length) return "";
  const parts = [`Fee tier ${tier} of ${tiers}`];
  if (next_volume) parts.push(`${Math.floor((Number(volume) / Number(next_volume)) * 100)}% of the volume of tier ${tier + 1} in 30 days`);
  if (group) parts.push(`group ${group}: ${trimmed(discount_percent)}% off`);
  return parts.join(" · ");
}

function balanceRow({ asset, total, held, free }) {
  const share = compare(held, "0") ? Math.min(1, Number(held) / Number(total)) : 0;
  return make("tr", { data: { asset } },
    cell("Asset", "", { child: make("strong", { textContent: asset }) }),
    number("Total", grouped(amount(total))),
    cell("Held by orders", "", { className: "number", child: make("span", {}, grouped(amount(held)), meter(share)) }),
    number("Free", grouped(amount(free))));
}

/** An amount with its sign, in the colour of it. */
function signedCell(label, text, unit = "") {
  const box = number(label, `${plus(text)}${unit}`);
  sign(box, Number(text));
  return box;
}

function movementRow(one) {
  const about = one.symbol ? `${one.symbol} · trade ${one.trade_id}` : one.counterparty === "venue:external" ? one.transfer_id : `${one.counterparty} · ${one.transfer_id}`;
  return make("tr", {},
    cell("Time", dayAndClock(one.time_ms)),
    cell("What", "", { child: make("span", { className: "kind", textContent: KINDS[one.kind] ?? one.kind, data: { kind: one.kind } }) }),
    cell("Asset", one.asset),
    signedCell("Amount", one.amount),
    number("Balance", grouped(amount(one.total))),
    cell("About", about, { className: "quiet about" }));
}

function positionRow(one) {
  const quote = one.symbol.split("-")[1] ?? "";
  const quantity = number("Quantity", plus(one.quantity));
  sign(quantity, Number(one.quantity));
  return make("tr", {},
    cell("Market", "", { child: make("strong", { textContent: one.symbol }) }),
    quantity,
    number("Average price", one.average_price ? grouped(amount(one.average_price)) : "—"),
    number("Last price", one.mark_price ? grouped(one.mark_price) : "—"),
    number("Value", `${grouped(amount(one.value))} ${quote}`),
    signedCell("Unrealised", one.unrealised_profit),
    signedCell("Realised", one.realised_profit),
    signedCell("Today", one.day_realised_profit),
    number("Fees", one.fees.map((fee) => `${grouped(amount(fee.amount))} ${fee.asset}`).join(", ") || "—"));
}
