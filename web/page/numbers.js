// Decimals: exact where an order is made of them (BigInt), and as text for people.
//
// Prices and quantities arrive as text and leave as text. Books and charts compute with whole ticks and lots as
// numbers, which is exact up to 2^53 and only ever shown.

const DECIMAL = /^\d{1,40}(\.\d{1,18})?$/;

/** Whether a text is a decimal as the exchange takes it: no sign, no exponent. */
export const isDecimal = (text) => DECIMAL.test(text);

/** Digits behind the point. */
export const placesOf = (text) => (text.split(".")[1] ?? "").length;

/** A decimal in units of 10^-places, as BigInt; null where it has more digits than that. */
export function exact(text, places) {
  const [whole, part = ""] = text.split(".");
  const cut = part.replace(/0+$/, "");
  return cut.length > places ? null : BigInt(whole + cut.padEnd(places, "0"));
}

/** The text of so many units of 10^-places. */
export function textOf(units, places) {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  return sign + (places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits);
}

/** A scale between decimals and whole steps of an instrument: its tick, or its lot. */
export class Step {
  constructor(size) {
    this.size = size;
    this.places = placesOf(size);
    this.units = exact(size, this.places);
    this.number = Number(size);
  }

  /** Whole steps as a number; for showing. */
  count(text) {
    return Math.round(Number(text) / this.number);
  }

  /** The text of so many steps. */
  text(count) {
    return textOf(BigInt(count) * this.units, this.places);
  }

  /**
   * So many percent of an amount, divided by a price, rounded down to whole steps.
   *
   * `rate`: of a fee in billionths, that each step pays beside its price, rounded up to the last place of the amount.
   */
  share(text, percent, price, rate = 0n) {
    const [places, pricePlaces] = [placesOf(text), placesOf(price)];
    const scale = 10n ** BigInt(pricePlaces + this.places) * 1_000_000_000n;
    const step = exact(price, pricePlaces) * this.units * 10n ** BigInt(places) * (1_000_000_000n + rate) + (rate ? scale : 0n);
    return textOf(((exact(text, places) * percent * scale) / (100n * step)) * this.units, this.places);
  }

  /** Whether a decimal is a whole number of steps. */
  divides(text) {
    const units = exact(text, this.places);
    return units !== null && units % this.units === 0n;
  }

  /** A decimal moved by so many steps, never below one of them. */
  moved(text, steps) {
    const now = isDecimal(text) ? BigInt(Math.round(Number(text) / this.number)) : 0n;
    const next = now + BigInt(steps);
    return textOf((next < 1n ? 1n : next) * this.units, this.places);
  }
}

/** Compares two decimals exactly: negative, 0 or positive. */
export function compare(a, b) {
  const places = Math.max(placesOf(a), placesOf(b));
  const difference = exact(a, places) - exact(b, places);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The exact product of two decimals. */
export function product(a, b) {
  const places = [placesOf(a), placesOf(b)];
  return textOf(exact(a, places[0]) * exact(b, places[1]), places[0] + places[1]);
}

/** An exact amount without zeros that say nothing. */
export const trimmed = (text) => (text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text);

/** An amount of money: at least two decimals, and no further zeros that say nothing. */
export function amount(text) {
  const [whole, part = ""] = trimmed(text).split(".");
  return `${whole}.${part.padEnd(2, "0")}`;
}

/** The same, grouped and with its sign. */
export const plus = (text) => (text.startsWith("-") || !Number(text) ? "" : "+") + grouped(amount(text));

/** "64012.30" as "64,012.30". */
export function grouped(text) {
  const [whole, part] = text.split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? parted : `${parted}.${part}`;
}

const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]];

/** A large amount in few characters: 12.34M, or with another number of decimals. */
export function compact(value, decimals = 2) {
  const number = Number(value);
  for (const [size, letter] of UNITS) {
    if (number >= size * 10 || (size > 1e3 && number >= size)) return (number / size).toFixed(decimals) + letter;
  }
  return number >= 100 ? grouped(number.toFixed(1)) : String(Number(number.toPrecision(decimals + 3)));
}

/** A change in percent, with its sign; one that is too small to be seen has none. */
export function percent(value) {
  const text = value.toFixed(2);
  return Number(text) === 0 ? "0.00%" : `${value > 0 ? "+" : ""}${text}%`;
}

/** A time of day in the reader's own zone. */
export function clock(ms, withMs = false) {
  const date = new Date(ms);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
  return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** A time of today, or a day and a time. */
export function dayAndClock(ms) {
  const date = new Date(ms);
  if (date.toDateString() === new Date().toDateString()) return clock(ms);
  return `${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")} ${clock(ms)}`;
}
