// What an order may ask for, type by type, and whether what was written makes one. Pure: no page, no network.
//
// The engine has the last word; this only says early, beside the field, what it would refuse. See docs/rules.md.

import { phaseOf } from "./phase.js";
import { amount, compare, exact, grouped, isDecimal, product } from "./numbers.js";

const REST = ["GTC", "DAY", "GTD"];
const ALL = ["GTC", "IOC", "FOK", "DAY", "GTD"];
/** For an auction, and for nothing else. */
export const AUCTION = ["ATO", "ATC", "GFA"];

/** type -> its name, what it needs, what it may have, and its times in force, the usual one first. */
export const TYPES = {
  limit: { name: "Limit", needs: ["price"], may: ["post", "hidden", "display", "minimum"], forces: [...ALL, ...AUCTION] },
  market: { name: "Market", needs: [], may: ["protection", "minimum"], forces: ["IOC", "FOK", ...AUCTION] },
  stop: { name: "Stop", needs: ["trigger"], may: ["protection"], forces: REST },
  "stop-limit": { name: "Stop limit", needs: ["trigger", "price"], may: ["hidden", "display"], forces: ALL },
  "take-profit": { name: "Take profit", needs: ["trigger"], may: ["protection"], forces: REST },
  "take-profit-limit": { name: "Take profit limit", needs: ["trigger", "price"], may: ["hidden", "display"], forces: ALL },
  "trailing-stop": { name: "Trailing stop", needs: ["trail"], may: ["protection"], forces: REST },
  pegged: { name: "Pegged", needs: ["peg"], may: ["protection", "hidden", "display"], forces: REST },
};

/** time in force -> what it means. */
export const FORCES = {
  GTC: "good till cancelled",
  IOC: "immediate or cancel: what does not trade at once is cancelled",
  FOK: "fill or kill: all at once or nothing",
  DAY: "until the trading day ends",
  GTD: "good till date: until a time that you name",
  ATO: "at the open: for the next opening auction, and nothing else",
  ATC: "at the close: for the next closing auction, and nothing else",
  GFA: "good for auction: for the next auction of any kind, and nothing else",
};

/** Why a price is none here; "" when it is one. */
function priceProblem(text, market) {
  const { tick, instrument } = market;
  if (!isDecimal(text)) return "A price is a number, with a point before decimals.";
  if (!tick.divides(text)) return `Prices are multiples of ${tick.size}.`;
  if (compare(text, instrument.price_min) < 0) return `The lowest price is ${grouped(instrument.price_min)}.`;
  if (compare(text, instrument.price_max) > 0) return `The highest price is ${grouped(instrument.price_max)}.`;
  return "";
}

function quantityProblem(text, market) {
  const { lot, instrument } = market;
  if (!isDecimal(text)) return "A quantity is a number, with a point before decimals.";
  if (!lot.divides(text)) return `Quantities are multiples of ${lot.size}.`;
  if (compare(text, instrument.quantity_min) < 0) return `The smallest quantity is ${instrument.quantity_min}.`;
  if (compare(text, instrument.quantity_max) > 0) return `The largest quantity is ${grouped(instrument.quantity_max)}.`;
  return "";
}

/** Which orders the phase of a market does not take; "" where it takes all. */
export function phaseNote(phase) {
  const { name, kind } = phaseOf(phase);
  if (kind === "shut") return `${name}: only cancels are taken.`;
  return kind === "collecting" ? `${name}: orders collect and trade at its end. No IOC, FOK, post-only, pegged, fill-at-least.` : "";
}

/** What of an order its market's phase does not take: the field, and why; null when it takes it. */
function phaseProblem(form, phase, has) {
  const { name, kind } = phaseOf(phase);
  if (kind === "open") return null;
  if (kind === "shut") return ["type", `${name}: only cancels are taken.`];
  if (form.force === "IOC" || form.force === "FOK") return ["force", `${name}: nothing trades at once. Choose GFA, or an order that may rest.`];
  if (form.type === "pegged") return ["type", `${name}: pegged orders are taken in continuous trading only.`];
  if (has("post") && form.post) return ["post", `${name}: post-only orders are taken in continuous trading only.`];
  if (has("minimum") && form.minimum && !form.triggeredBy) return ["minimum", `${name}: nothing trades at once, so nothing at least.`];
  return null;
}

/**
 * What an order would hold until it has traded or ended, `[amount, asset]`; null where that is not known.
 *
 * Its price times its quantity, or its quantity; fees are on top. What waits for another order holds nothing yet.
 */
export function holdOf(form, market) {
  const { base, quote } = market.instrument;
  if (form.triggeredBy || !isDecimal(form.quantity)) return null;
  if (form.side === "sell") return [form.quantity, base];
  const price = TYPES[form.type].needs.includes("price") ? form.price : form.protection;
  return isDecimal(price) ? [product(price, form.quantity), quote] : null;
}

/** Whether there is as much free; "" when there is. Orders that cancel each other hold once: of those nothing is said. */
function fundsProblem(form, market, funds) {
  const hold = form.cancelsWith ? null : holdOf(form, market);
  if (!hold || compare(hold[0], funds.free(hold[1])) <= 0) return "";
  const [needed, free] = [hold[0], funds.free(hold[1])].map((text) => `${grouped(amount(text))} ${hold[1]}`);
  return `Not enough funds: this takes ${needed}, and ${free} is free.`;
}

/**
 * What was written in the ticket as the body of an order, or what is wrong with it.
 *
 * `form`: text by field. `funds`: whether the venue `clears`, and what of an asset is `free(asset)`. Returns `{ order }` or `{ field, problem }`, the first problem in the order of the fields.
 */
export function orderOf(form, market, nowMs, funds = null) {
  const type = TYPES[form.type];
  const order = { symbol: market.symbol, side: form.side, type: form.type, quantity: form.quantity, time_in_force: form.force };
  const has = (name) => type.needs.includes(name) || type.may.includes(name);
  let wrong = null;
  const check = (field, problem) => {
    if (problem && !wrong) wrong = { field, problem };
  };
  const unfit = phaseProblem(form, market.status?.phase ?? "continuous", has);
  if (unfit) check(...unfit);
  if (type.needs.includes("trigger")) {
    check("trigger", form.trigger ? priceProblem(form.trigger, market) : "Say at which price it is triggered.");
    order.trigger_price = form.trigger;
  }
  if (type.needs.includes("trail")) {
    if (form.trailUnit === "points") {
      const fine = /^\d{1,4}$/.test(form.trail) && Number(form.trail) > 0;
      check("trail", fine ? "" : "A distance is 1 to 9999 basis points (100 are 1%).");
      order.trail_basis_points = Number(form.trail);
    } else {
      const fine = isDecimal(form.trail) && market.tick.divides(form.trail) && exact(form.trail, market.tick.places) > 0n;
      check("trail", fine ? "" : `A distance is a multiple of ${market.tick.size}, above 0.`);
      order.trail_distance = form.trail;
    }
  }
  if (type.needs.includes("peg")) {
    order.peg = form.peg;
    if (form.pegOffset) {
      const bare = form.pegOffset.replace(/^-/, "");
      check("pegOffset", isDecimal(bare) && market.tick.divides(bare) ? "" : `An offset is a multiple of ${market.tick.size}.`);
      order.peg_offset = form.pegOffset;
    }
    if (form.peg === "midpoint") check("hidden", form.hidden ? "" : "What follows the midpoint is hidden: tick Hidden.");
  }
  if (type.needs.includes("price")) {
    check("price", form.price ? priceProblem(form.price, market) : "Say a price.");
    order.price = form.price;
  } else if (has("protection") && form.protection) {
    check("protection", priceProblem(form.protection, market));
    order.price = form.protection;
  } else if (funds?.clears && form.side === "buy") {
    check("protection", "Say the worst price: what buys is backed by it.");
  }
  check("quantity", form.quantity ? quantityProblem(form.quantity, market) : "Say a quantity.");
  if (form.force === "GTD") {
    const expires = new Date(form.expires).getTime();
    check("expires", Number.isFinite(expires) ? (expires > nowMs ? "" : "That time is over.") : "Say until when.");
    order.expires_ms = expires;
  }
  if (AUCTION.includes(form.force)) {
    for (const name of ["post", "hidden", "display", "minimum", "cancelsWith", "triggeredBy"]) {
      if (form[name] && (has(name) || name.endsWith("With") || name.endsWith("By"))) check(name, `An order for an auction alone (${form.force}) has no other instructions.`);
    }
  }
  const waits = !["IOC", "FOK"].includes(form.force);
  if (has("post") && form.post) {
    check("post", waits ? "" : "A post-only order cannot be IOC or FOK.");
    order[form.post === "reprice" ? "post_only_reprice" : "post_only"] = true;
  }
  if (has("hidden") && form.hidden) {
    check("hidden", waits ? "" : "A hidden order cannot be IOC or FOK.");
    order.hidden = true;
  }
  if (has("display") && form.display) {
    check("display", quantityProblem(form.display, market));
    if (!wrong) check("display", compare(form.display, form.quantity) < 0 ? "" : "An iceberg shows less than all of itself.");
    check("display", waits && !form.hidden ? "" : "An iceberg is not hidden, IOC or FOK.");
    order.display_quantity = form.display;
  }
  if (has("minimum") && form.minimum) {
    const fine = isDecimal(form.minimum) && market.lot.divides(form.minimum) && exact(form.minimum, market.lot.places) > 0n;
    check("minimum", fine ? "" : `A minimum is a multiple of ${market.lot.size}, above 0.`);
    if (!wrong) check("minimum", compare(form.minimum, form.quantity) <= 0 ? "" : "A minimum is at most the quantity.");
    order.minimum_quantity = form.minimum;
  }
  if (funds?.clears && !wrong) check("quantity", fundsProblem(form, market, funds));
  if (form.selfTrade) order.self_trade = form.selfTrade;
  if (form.cancelsWith) order.cancels_with = form.cancelsWith;
  if (form.triggeredBy) order.triggered_by = form.triggeredBy;
  return wrong ?? { order };
}
