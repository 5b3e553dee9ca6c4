// Alerts: conditions that the publishers watch, and that are told when they come true.

import { at, make, say, toast } from "./dom.js";
import { grouped, isDecimal } from "./numbers.js";
import { signed } from "./rest.js";

const PATH = "/api/v1/alerts";
/** condition -> its name, and the unit of its threshold. */
const CONDITIONS = {
  "price-above": ["Price rises to", "price"],
  "price-below": ["Price falls to", "price"],
  "price-crossing": ["Price crosses", "price"],
};

export class Alerts {
  #key = null;
  #market = null;
  #count = 0;

  constructor() {
    this.condition = make("select", { id: "alert-condition" }, ...Object.entries(CONDITIONS).map(([value, [textContent]]) => make("option", { value, textContent })));
    this.threshold = make("input", { id: "alert-threshold", type: "text", inputMode: "decimal", autocomplete: "off", placeholder: "price" });
    this.wrong = make("span", { className: "down", role: "alert" });
    this.form = make("form", { className: "alert-form", noValidate: true },
      make("label", { className: "field" }, make("span", { textContent: "When" }), this.condition),
      make("label", { className: "field" }, make("span", { textContent: "Price" }), this.threshold),
      make("button", { className: "primary", textContent: "Set alert" }),
      this.wrong);
    this.body = make("tbody");
    this.table = make("table", {}, make("thead", {}, make("tr", {}, ...["Market", "Condition", "State", ""].map((textContent) => make("th", { scope: "col", textContent })))), this.body);
    this.empty = make("p", { className: "empty" });
    at("alerts").append(this.form, this.table, this.empty);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#set();
    });
    this.body.addEventListener("click", (event) => event.target.dataset?.alert && this.#remove(event.target.dataset.alert));
    this.#list([]);
  }

  show(market) {
    this.#market = market;
  }

  known(key) {
    this.#key = key;
    this.form.hidden = !key;
    if (key) this.refresh();
    else this.#list([]);
  }

  /** An alert came true. */
  fired(message) {
    toast("", `${message.symbol}: ${this.#words(message.condition, message.threshold)}`, `now ${message.value === undefined ? "" : grouped(String(message.value))}`);
    this.refresh();
  }

  async refresh() {
    if (!this.#key) return;
    try {
      this.#list((await signed(this.#key, "GET", PATH)).alerts);
    } catch (error) {
      this.#list([]);
      say(this.empty, `Not known at the moment: ${error.message}`);
    }
  }

  async #set() {
    const price = this.threshold.value.trim();
    const fine = isDecimal(price) && this.#market?.tick.divides(price);
    say(this.wrong, fine ? "" : `A price is a multiple of ${this.#market?.tick.size}.`);
    if (!fine) return;
    this.#count += 1;
    try {
      await signed(this.#key, "POST", PATH, {
        alert_id: `page-${Date.now()}-${this.#count}`, symbol: this.#market.symbol, condition: this.condition.value, threshold: price,
      });
      this.threshold.value = "";
    } catch (error) {
      say(this.wrong, error.message);
    }
    this.refresh();
  }

  async #remove(id) {
    try {
      await signed(this.#key, "DELETE", `${PATH}/${encodeURIComponent(id)}`);
    } catch (error) {
      toast("bad", "The alert is still set", error.message);
    }
    this.refresh();
  }

  #words(condition, threshold) {
    const [name, unit] = CONDITIONS[condition] ?? [String(condition).replaceAll("-", " "), ""];
    return `${name} ${unit === "price" ? grouped(String(threshold)) : threshold}`;
  }

  #list(alerts) {
    this.body.replaceChildren(...alerts.map((alert) => make("tr", {},
      make("td", { textContent: alert.symbol, data: { label: "Market" } }),
      make("td", { textContent: this.#words(alert.condition, alert.threshold), data: { label: "Condition" } }),
      make("td", { textContent: alert.armed ? "watching" : "fired", data: { label: "State" } }),
      make("td", {}, make("button", { className: "row-cancel", textContent: "Remove", data: { alert: alert.alert_id } })))));
    this.table.hidden = !alerts.length;
    this.empty.hidden = alerts.length > 0;
    say(this.empty, this.#key ? "No alerts. Set one, and this page tells you when it comes true." : "Connect a key to set alerts.");
  }
}
