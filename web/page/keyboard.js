// Keys for whoever would rather not leave the keyboard. Nothing here fires while something is written, but Escape.

import { at } from "./dom.js";
import { INTERVALS } from "./candles.js";

/** Listen, for as long as the page is open. */
export function listenToKeys(page) {
  const chart = () => page.chartTab(at("depth").hidden ? "depth" : "candles");
  const ticket = (name) => {
    page.view("ticket");
    page.ticket.focus(name);
  };
  const actions = {
    "/": () => page.markets.open(),
    b: () => (page.ticket.side = "buy"),
    s: () => (page.ticket.side = "sell"),
    p: () => ticket("price"),
    q: () => ticket("quantity"),
    l: () => page.ladder.focus(),
    x: () => page.mine.cancelAll(),
    d: chart,
    k: () => page.account.open(),
    t: () => page.theme(),
    "?": () => at("help-dialog").showModal(),
  };
  INTERVALS.forEach((interval, index) => (actions[String(index + 1)] = () => page.interval(interval)));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      page.markets.close();
      if (!document.querySelector("dialog[open]")) document.activeElement?.blur();
      return;
    }
    const writing = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
