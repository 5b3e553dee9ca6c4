// The depth chart: what could be bought and sold up to each price, around the middle.

import { at, draw, pace } from "./dom.js";
import { compact, grouped } from "./numbers.js";

const LEVELS_MAX = 400;
const MARGIN = { top: 34, bottom: 24 };

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class DepthChart {
  #market = null;
  #pointer = null;

  constructor() {
    this.draw = () => this.#draw();
    this.canvas = at("depth-canvas");
    new ResizeObserver(() => draw(this.draw)).observe(at("depth"));
    this.canvas.addEventListener("pointermove", (event) => {
      this.#pointer = event.offsetX;
      draw(this.draw);
    });
    this.canvas.addEventListener("pointerleave", () => {
      this.#pointer = null;
      draw(this.draw);
    });
  }

  show(market) {
    this.#market = market;
    draw(this.draw);
  }

  changed() {
    if (!at("depth").hidden) pace(this.draw);
  }

  #draw() {
    const market = this.#market;
    const { clientWidth: width, clientHeight: height } = at("depth");
    if (!market || !width) return;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const { book } = market;
    const bids = book.bids.levels(LEVELS_MAX, 1);
    const asks = book.asks.levels(LEVELS_MAX, 1);
    if (!bids.length || !asks.length) {
      pen.fillStyle = color("--quiet");
      pen.textAlign = "center";
      pen.fillText("The depth chart needs both sides of the book.", width / 2, height / 2);
      return;
    }
    const middle = (bids[0][0] + asks[0][0]) / 2;
    // The same distance on both sides, so that the slopes can be compared.
    const reach = Math.max(Math.min(middle - bids.at(-1)[0], asks.at(-1)[0] - middle), asks[0][0] - middle + 1) * 1.02;
    const inside = (levels) => levels.filter(([tick]) => Math.abs(tick - middle) <= reach);
    const shown = { bids: inside(bids), asks: inside(asks) };
    const most = Math.max(shown.bids.at(-1)?.[2] ?? 1, shown.asks.at(-1)?.[2] ?? 1) * 1.05;
    const x = (tick) => width / 2 + ((tick - middle) / reach) * (width / 2);
    const y = (lots) => height - MARGIN.bottom - (lots / most) * (height - MARGIN.top - MARGIN.bottom);
    this.#axes(pen, market, { width, height, middle, reach, most, x, y });
    this.#side(pen, shown.bids, { x, y, edge: 0, base: height - MARGIN.bottom, tone: "--up" });
    this.#side(pen, shown.asks, { x, y, edge: width, base: height - MARGIN.bottom, tone: "--down" });
    pen.fillStyle = color("--text");
    pen.textAlign = "center";
    pen.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
    pen.fillText(grouped((middle * market.tick.number).toFixed(market.tick.places)), width / 2, 20);
    if (this.#pointer !== null) this.#cross(pen, market, shown, { width, height, x, y, middle });
  }

  #axes(pen, market, { width, height, middle, reach, most, x, y }) {
    pen.strokeStyle = color("--grid-line");
    pen.fillStyle = color("--quiet");
    pen.lineWidth = 1;
    pen.textAlign = "right";
    for (let part = 1; part <= 4; part += 1) {
      const lots = (most / 4.2) * part;
      pen.beginPath();
      pen.moveTo(0, Math.round(y(lots)) + 0.5);
      pen.lineTo(width, Math.round(y(lots)) + 0.5);
      pen.stroke();
      pen.fillText(compact(Number((lots * market.lot.number).toPrecision(3))), width - 6, y(lots) - 4);
    }
    pen.textAlign = "center";
    for (const share of [-0.8, -0.4, 0, 0.4, 0.8]) {
      const tick = middle + share * reach;
      pen.fillText(grouped((tick * market.tick.number).toFixed(market.tick.places)), x(tick), height - 8);
    }
  }

  #side(pen, levels, { x, y, edge, base, tone }) {
    if (!levels.length) return;
    pen.beginPath();
    pen.moveTo(x(levels[0][0]), base);
    let before = base;
    for (const [tick, , total] of levels) {
      pen.lineTo(x(tick), before);
      before = y(total);
      pen.lineTo(x(tick), before);
    }
    pen.lineTo(edge, before);
    pen.strokeStyle = color(tone);
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.lineTo(edge, base);
    pen.closePath();
    const fill = pen.createLinearGradient(0, MARGIN.top, 0, base);
    fill.addColorStop(0, color(tone) + "55");
    fill.addColorStop(1, color(tone) + "10");
    pen.fillStyle = fill;
    pen.fill();
  }

  #cross(pen, market, shown, { width, height, x, y, middle }) {
    const buying = this.#pointer > width / 2;
    const levels = buying ? shown.asks : shown.bids;
    const within = levels.filter(([tick]) => (buying ? x(tick) <= this.#pointer : x(tick) >= this.#pointer));
    const level = within.at(-1) ?? levels[0];
    if (!level) return;
    const [tick, , total] = level;
    const lines = [
      `${grouped(market.tick.text(tick))} ${market.instrument.quote}`,
      `${compact(total * market.lot.number)} ${market.instrument.base}`,
      `${(((tick - middle) / middle) * 100).toFixed(2)}% from the middle`,
    ];
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const wide = Math.max(...lines.map((line) => pen.measureText(line).width)) + 20;
    const left = Math.min(Math.max(x(tick) + (buying ? 10 : -wide - 10), 4), width - wide - 4);
    const top = Math.min(Math.max(y(total) - 70, MARGIN.top), height - MARGIN.bottom - 66);
    pen.strokeStyle = color("--quiet");
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(x(tick), y(total));
    pen.lineTo(x(tick), height - MARGIN.bottom);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = color(buying ? "--down" : "--up");
    pen.beginPath();
    pen.arc(x(tick), y(total), 4, 0, 7);
    pen.fill();
    pen.fillStyle = color("--raised");
    pen.strokeStyle = color("--line-strong");
    pen.beginPath();
    pen.roundRect(left, top, wide, 60, 5);
    pen.fill();
    pen.stroke();
    pen.textAlign = "left";
    lines.forEach((line, index) => {
      pen.fillStyle = color(index ? "--quiet" : "--text");
      pen.fillText(line, left + 10, top + 19 + index * 16);
    });
  }
}
