// Rows of tables: cells that know what they are, for a phone, where each stands under its name.

import { make } from "./dom.js";

export const cell = (label, text, words = {}) => {
  const { child, ...rest } = words;
  const box = make("td", { ...rest, data: { label } });
  box.append(child ?? text);
  return box;
};
export const number = (label, text, className = "") => cell(label, text, { className: `number ${className}`.trim() });
export const sideCell = (side) => cell("Side", side === "buy" ? "Buy" : "Sell", { className: side === "buy" ? "up" : "down" });

/** A table with these columns: `[name, class]`. */
export function table(columns) {
  const head = make("tr", {}, ...columns.map(([name, kind]) => make("th", { scope: "col", textContent: name, className: kind ?? "" })));
  const body = make("tbody");
  return { whole: make("table", {}, make("thead", {}, head), body), body };
}

/** How much of something: a bar. `share`: 0 to 1. */
export function meter(share) {
  const bar = make("i", { className: "meter" }, make("b"));
  bar.firstChild.style.transform = `scaleX(${share})`;
  return bar;
}
