// Alerts: conditions that the publishers watch, told when they come true. One that does not repeat is gone there when it
// has fired; this page remembers what fired while it was open.

import { at, make, say, toast } from "./dom.js";
import { clock, compare, grouped, isDecimal, trimmed } from "./numbers.js";
import { serverClock, signed } from "./rest.js";

const PATH = "/api/v1/alerts";
const MINUTES = { 60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 hour", 14400: "4 hours", 43200: "12 hours" };
/** With how many windows before it a volume is compared. */
const WINDOWS = 5;
/** Volumes are compared over short windows only. */
const SPIKE_S_MAX = 3600;
/** condition -> its name, the unit of its threshold, and whether it looks at a window of time. */
const CONDITIONS = {
  "price-above": ["Price rises to", "price"],
  "price-below": ["Price falls to", "price"],
  "price-crossing": ["Price crosses", "price"],
  "move-up": ["Moves up by", "%", "window"],
  "move-down": ["Moves down by", "%", "window"],
  "move-either": ["Moves by", "%", "window"],
  "volume-spike": ["Volume grows to", "%", "window"],
  "spread-ticks": ["Spread widens to", "price"],
  "spread-basis-points": ["Spread widens to", "bp"],
};
const LOOK_MS = 2_000;
/** The stream tells at once; this finds what it has not told. */
const LOOKS_WITH_REPORTS = 10;
const FIRED_KEPT_MAX = 20;

const options = (names) => Object.entries(names).map(([value, textContent]) => make("option", { value, textContent }));
const nameOf = (condition) => CONDITIONS[condition]?.[0] ?? condition.replaceAll("-", " ");

/** What an alert waits for, in words. */
function words({ condition, threshold, window_s }) {
  const unit = CONDITIONS[condition]?.[1];
  const amount = String(threshold).replace(/^-/, "");
  const text = unit === "price" ? grouped(amount) : `${trimmed(amount)}${unit === "%" ? "" : " "}${unit ?? ""}`;
  return `${nameOf(condition)} ${text}${window_s ? ` within ${MINUTES[window_s] ?? `${window_s} s`}` : ""}`;
}

export class Alerts {
  #key = null;
  #market = null;
  #count = 0;
  /** Those that are set, by name; null before they were asked for. */
  #set = null;
  #fired = [];
  /** Whether the stream tells of alerts. */
  reported = false;

  constructor() {
    this.#build();
    let looks = 0;
    setInterval(() => {
      looks += 1;
      if (!document.hidden && this.#set?.size && (!this.reported || looks % LOOKS_WITH_REPORTS === 0)) this.refresh();
    }, LOOK_MS);
    this.#draw();
  }

  show(market) {
    this.#market = market;
    this.#arrange();
  }

  /** Whose alerts; null for nobody's. */
  known(key) {
    this.#key = key;
    this.#set = null;
    this.#fired = [];
    this.form.hidden = !key;
    if (key) this.refresh();
    this.#draw();
  }

  /** An alert came true, says the stream. */
  fired(message) {
    const set = this.#set?.get(message.alert_id);
    if (set?.repeating) set.fired += 1;
    else this.#set?.delete(message.alert_id);
    this.#tell({ ...set, ...message });
    this.refresh();
  }

  async refresh() {
    const key = this.#key;
    if (!key) return;
    try {
      const { alerts } = await signed(key, "GET", PATH);
      if (key === this.#key) this.#take(new Map(alerts.map((alert) => [alert.alert_id, alert])));
    } catch (error) {
      this.#draw(`Not known at the moment: ${error.message}`);
    }
  }

  /** What is set now; who has not been told by the stream sees here what fired. */
  #take(set) {
    for (const [name, before] of this.#set ?? []) {
      const now = set.get(name);
      if (now ? now.fired > before.fired : !before.removed) this.#tell(before);
    }
    this.#set = set;
    this.#draw();
  }

  #tell(alert) {
    const now = alert.value === undefined ? "" : grouped(String(alert.value));
    this.#fired = [{ ...alert, now, time_ms: serverClock.now() }, ...this.#fired].slice(0, FIRED_KEPT_MAX);
    toast("warn", `Alert: ${alert.symbol}`, `${words(alert)}${now ? `, and is ${now}` : ""}`);
    this.#draw();
  }

  #build() {
    this.condition = make("select", { id: "alert-condition" }, ...options(Object.fromEntries(Object.keys(CONDITIONS).map((name) => [name, nameOf(name)]))));
    // Two of them have one name, and differ in their unit.
    this.condition.querySelector('[value="spread-basis-points"]').textContent += " (basis points)";
    this.threshold = make("input", { id: "alert-threshold", type: "text", inputMode: "decimal", autocomplete: "off", maxLength: 40 });
    this.unit = make("span", { className: "unit" });
    this.window = make("select", { id: "alert-window" }, ...options(MINUTES));
    this.within = make("label", { className: "field" }, make("span", { textContent: "within" }), this.window);
    this.repeating = make("input", { id: "alert-repeating", type: "checkbox" });
    this.wrong = make("span", { className: "down", role: "alert", id: "alert-wrong" });
    this.form = make("form", { className: "alert-form", noValidate: true },
      make("label", { className: "field" }, make("span", { textContent: "When" }), this.condition),
      make("label", { className: "field amount" }, make("span", { className: "unseen", textContent: "Threshold" }), this.threshold, this.unit),
      this.within,
      make("label", { className: "check" }, this.repeating, "Each time"),
      make("button", { className: "primary", textContent: "Set alert" }),
      this.wrong);
    this.body = make("tbody");
    this.table = make("table", {}, make("thead", {}, make("tr", {}, ...["Market", "Condition", "State", ""].map((textContent) => make("th", { scope: "col", textContent })))), this.body);
    this.empty = make("p", { className: "empty" });
    at("alerts").append(this.form, this.table, this.empty);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.condition.addEventListener("change", () => this.#arrange());
    this.body.addEventListener("click", (event) => event.target.dataset?.alert && this.#remove(event.target.dataset.alert));
  }

  /** Show the fields that the condition has. */
  #arrange() {
    const [, unit, window] = CONDITIONS[this.condition.value];
    say(this.unit, unit === "price" ? (this.#market?.instrument.quote ?? "") : unit);
    this.within.hidden = !window;
    const spike = this.condition.value === "volume-spike";
    for (const option of this.window.options) option.disabled = option.hidden = spike && Number(option.value) > SPIKE_S_MAX;
    if (this.window.selectedOptions[0]?.disabled) this.window.value = String(SPIKE_S_MAX);
    say(this.wrong, "");
  }

  async #send() {
    const condition = this.condition.value;
    const [, unit, window] = CONDITIONS[condition];
    const threshold = this.threshold.value.trim().replaceAll(",", "");
    const fine = isDecimal(threshold) && compare(threshold, "0") > 0 && (unit !== "price" || this.#market.tick.divides(threshold));
    say(this.wrong, fine ? "" : unit === "price" ? `A multiple of ${this.#market.tick.size}, above 0.` : "A number above 0.");
    if (!fine) return this.threshold.focus();
    this.#count += 1;
    const wish = { alert_id: `page-${Date.now()}-${this.#count}`, symbol: this.#market.symbol, condition, threshold, repeating: this.repeating.checked };
    if (window) wish.window_s = Number(this.window.value);
    if (condition === "volume-spike") wish.windows = WINDOWS;
    try {
      await signed(this.#key, "POST", PATH, wish);
      this.threshold.value = "";
    } catch (error) {
      say(this.wrong, error.message);
    }
    this.refresh();
  }

  async #remove(name) {
    const alert = this.#set?.get(name);
    // So that its end is not taken for its coming true.
    if (alert) alert.removed = true;
    try {
      await signed(this.#key, "DELETE", `${PATH}/${encodeURIComponent(name)}`);
    } catch (error) {
      toast("bad", "The alert is still set", error.message);
    }
    this.refresh();
  }

  #draw(problem = "") {
    const row = (alert, state, last = "") => make("tr", {},
      make("td", { textContent: alert.symbol, data: { label: "Market" } }),
      make("td", { textContent: words(alert), data: { label: "Condition" } }),
      make("td", { textContent: state, data: { label: "State" } }),
      make("td", {}, last));
    const set = [...(this.#set?.values() ?? [])];
    this.body.replaceChildren(
      ...set.map((alert) => row(alert, `${alert.armed ? "watching" : "waits until it is left again"}${alert.fired ? `, fired ${alert.fired} times` : ""}`,
        make("button", { className: "row-cancel", textContent: "Remove", "aria-label": `Remove the alert ${alert.symbol} ${words(alert)}`, data: { alert: alert.alert_id } }))),
      ...this.#fired.map((alert) => row(alert, `fired at ${clock(alert.time_ms)}${alert.now ? `: ${alert.now}` : ""}`)));
    this.table.hidden = !this.body.children.length;
    this.empty.hidden = this.body.children.length > 0 && !problem;
    say(this.empty, problem || (this.#key ? "No alerts. Set one, and this page tells you when it comes true." : "Connect a key to set alerts."));
  }
}
