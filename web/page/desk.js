// The operator's desk, for keys of scope operator: phases, kill switches, money and the emergency stop. Each asks once more.

import { ask, at, draw, make, say, toast } from "./dom.js";
import { grouped, isDecimal } from "./numbers.js";
import { PHASES } from "./phase.js";
import { signed } from "./rest.js";

const MINUTE_MS = 60_000;
/** Which phases end by themselves, when they are told to. */
const ends = (phase) => phase === "halted" || phase.endsWith("-auction");

export class Desk {
  #market = null;
  #key = null;

  constructor() {
    const names = Object.entries(PHASES).map(([value, { name }]) => make("option", { value, textContent: name }));
    at("desk-phase").append(...names);
    at("desk-open").addEventListener("click", () => this.open());
    at("desk-close").addEventListener("click", () => at("desk-dialog").close());
    at("desk-phase").addEventListener("change", () => this.#arrange());
    at("desk-set").addEventListener("click", () => this.#setPhase());
    at("desk-stop").addEventListener("click", () => this.#switch(true));
    at("desk-release").addEventListener("click", () => this.#switch(false));
    at("desk-deposit").addEventListener("click", () => this.#cash("deposits"));
    at("desk-withdraw").addEventListener("click", () => this.#cash("withdrawals"));
    at("desk-emergency").addEventListener("click", () => this.#emergency(true));
    at("desk-go-on").addEventListener("click", () => this.#emergency(false));
    at("desk-form").addEventListener("submit", (event) => event.preventDefault());
    this.#arrange();
  }

  show(market) {
    this.#market = market;
    say(at("desk-market"), market.symbol);
  }

  /** Whose key it is; whether it is an operator's, the exchange says. */
  async known(key) {
    this.#key = key;
    at("desk-open").hidden = true;
    if (!key) return;
    try {
      await signed(key, "GET", "/api/v1/admin/phase?fields=phases.symbol");
      if (key === this.#key) at("desk-open").hidden = false;
    } catch {
      // It is none, or is not known to be one.
    }
  }

  /** Which assets there are; none where the venue does not clear. */
  async #assets() {
    at("desk-cash").hidden = true;
    try {
      const { assets } = await signed(this.#key, "GET", "/api/v1/admin/assets");
      const before = at("desk-asset").value;
      at("desk-asset").replaceChildren(...assets.map(({ asset }) => make("option", { value: asset, textContent: asset })));
      if (before) at("desk-asset").value = before;
      at("desk-cash").hidden = !assets.length;
    } catch {
      // There is no money here.
    }
  }

  open() {
    this.#assets();
    at("desk-phase").value = this.#market.status.phase;
    this.#arrange();
    say(at("desk-wrong"), "");
    at("desk-dialog").showModal();
  }

  #arrange() {
    draw(() => (at("desk-minutes").disabled = !ends(at("desk-phase").value)));
  }

  #setPhase() {
    const { symbol } = this.#market;
    const phase = at("desk-phase").value;
    const minutes = ends(phase) ? at("desk-minutes").value.trim() : "";
    const duration_ms = Math.round(Number(minutes) * MINUTE_MS);
    if (!(duration_ms >= 0)) {
      say(at("desk-wrong"), "Minutes are a number.");
      return;
    }
    const { name } = PHASES[phase];
    const lasts = duration_ms ? `for ${minutes} minutes` : "until another phase is set";
    this.#do(`${symbol}: ${name}`, `${symbol} is ${name.toLowerCase()} ${lasts}.`, "phase", { symbol, phase, duration_ms });
  }

  #switch(on) {
    const account = at("desk-account").value.trim();
    if (!account) {
      say(at("desk-wrong"), "Name the account.");
      return;
    }
    const what = on ? "all its orders end, and nothing but cancels is taken from it" : "it may trade again";
    this.#do(`${on ? "Stop" : "Release"} ${account}`, `${account}: ${what}.`, "kill_switch", { account, on });
  }

  #cash(name) {
    const [account, amount, asset] = ["holder", "amount", "asset"].map((part) => at(`desk-${part}`).value.trim());
    if (!account || !isDecimal(amount)) {
      say(at("desk-wrong"), account ? "An amount is a number, with a point before decimals." : "Name the account.");
      return;
    }
    const much = `${grouped(amount)} ${asset}`;
    // A name of its own, so that what was sent twice happens once.
    const transfer_id = `desk-${crypto.randomUUID().slice(0, 23)}`;
    const [title, text] = name === "deposits" ? [`Deposit ${much}`, `${account} has ${much} more, from outside.`] : [`Withdraw ${much}`, `${account} has ${much} less, which leaves the venue.`];
    this.#do(title, text, name, { account, asset, amount, transfer_id });
  }

  #emergency(on) {
    const title = on ? "Stop the whole market" : "The market goes on";
    this.#do(title, on ? "Every market stands still until you let it go on." : "Every market does what it did before the stop.", "emergency", { on });
  }

  async #do(title, text, name, body) {
    say(at("desk-wrong"), "");
    if (!(await ask(title, text, "Do it"))) return;
    try {
      await signed(this.#key, "POST", `/api/v1/admin/${name}`, { ...body, why: at("desk-why").value.trim() });
      toast("good", title, "done");
      at("desk-why").value = "";
    } catch (error) {
      say(at("desk-wrong"), error.message);
    }
  }
}
