// Candles with volume and two moving averages: history first, then what the stream says, older ones as one scrolls.

import { at, draw, make, pace, say, sign } from "./dom.js";
import { compact, grouped, percent } from "./numbers.js";
import { get } from "./rest.js";

export const INTERVALS = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"];
const HISTORY = 500;
/** Older candles are asked for when so few are left of what is seen. */
const NEAR_THE_START = 20;
const AVERAGES = [7, 25];
const SHOWN = 120;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const sideColor = (side) => color(side === "buy" ? "--up" : "--down");
const two = (number) => String(number).padStart(2, "0");

/** At least so many places are on the axis: a market that begins has its candles at the right, and not as wide as barns. */
const PLACES_MIN = 60;

/** A time on the axis, in the reader's own zone: the chart itself knows only UTC. */
function axisTime(seconds, kind) {
  const date = new Date(seconds * 1000);
  if (kind === 0) return String(date.getFullYear());
  if (kind === 1) return date.toLocaleString("en", { month: "short" });
  if (kind === 2) return `${date.getDate()} ${date.toLocaleString("en", { month: "short" })}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

const crossTime = (seconds) => {
  const date = new Date(seconds * 1000);
  return `${date.toLocaleString("en", { weekday: "short" })} ${axisTime(seconds, 2)} ${axisTime(seconds, 3)}`;
};

export class Candles {
  #market = null;
  #rows = [];
  /** Trades that the last candle, as it was told, does not have in it yet. */
  #ahead = [];
  #more = false;
  #asking = false;
  #lines = new Map();
  #all = false;
  #hovered = null;
  #averages = true;
  #volumeUp = "";
  #volumeDown = "";
  interval = "1m";

  /** `chosen(interval)`: another one is wanted. */
  constructor(chosen) {
    this.draw = () => this.#draw();
    const charts = globalThis.LightweightCharts;
    this.chart = charts.createChart(at("candles"), {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11, fontFamily: getComputedStyle(document.body).fontFamily },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.24 } },
      timeScale: { borderVisible: false, timeVisible: true, secondsVisible: false, rightOffset: 6, barSpacing: 8, tickMarkFormatter: axisTime },
      crosshair: { mode: charts.CrosshairMode.Normal },
      localization: { timeFormatter: crossTime },
    });
    this.series = this.chart.addSeries(charts.CandlestickSeries, { borderVisible: false });
    this.volume = this.chart.addSeries(charts.HistogramSeries, {
      priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.averages = AVERAGES.map(() => this.chart.addSeries(charts.LineSeries, {
      lineWidth: 1, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false,
    }));
    this.chart.subscribeCrosshairMove((event) => {
      this.#hovered = event.time ?? null;
      draw(this.draw);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < NEAR_THE_START) this.#older();
    });
    this.#buttons(chosen);
    this.paint();
  }

  /** Take the colours of the theme. */
  paint() {
    const [up, down] = [color("--up"), color("--down")];
    [this.#volumeUp, this.#volumeDown] = [`${up}66`, `${down}66`];
    this.chart.applyOptions({
      layout: { background: { color: color("--panel") }, textColor: color("--quiet"), panes: { separatorColor: color("--line") } },
      grid: { vertLines: { color: color("--grid-line") }, horzLines: { color: color("--grid-line") } },
      crosshair: {
        vertLine: { color: color("--quiet"), labelBackgroundColor: color("--line-strong") },
        horzLine: { color: color("--quiet"), labelBackgroundColor: color("--line-strong") },
      },
    });
    this.series.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.averages.forEach((line, index) => line.applyOptions({ color: color(`--average-${"ab"[index]}`) }));
    for (const { line, side } of this.#lines.values()) line.applyOptions({ color: sideColor(side) });
    this.#all = true;
    draw(this.draw);
  }

  /** Show a market and an interval, with its history. */
  async show(market, interval = this.interval) {
    const other = this.#market !== market;
    if (!other && interval === this.interval && this.#rows.length) return this.#refresh(false);
    this.#market = market;
    this.interval = interval;
    for (const button of at("intervals").children) {
      const is = button.dataset.interval === interval;
      button.setAttribute("aria-checked", String(is));
      button.tabIndex = is ? 0 : -1;
    }
    if (other) {
      for (const { line } of this.#lines.values()) this.series.removePriceLine(line);
      this.#lines.clear();
    }
    this.#rows = [];
    this.#ahead = [];
    this.#all = true;
    const { number, places } = market.tick;
    this.series.applyOptions({ priceFormat: { type: "custom", minMove: number, formatter: (price) => grouped(price.toFixed(places)) } });
    return this.#refresh(true);
  }

  /** Forget what is shown: it may never have happened. */
  forget() {
    this.#rows = [];
    this.#ahead = [];
    this.#all = true;
  }

  async #refresh(fit) {
    const [market, interval] = [this.#market, this.interval];
    const answer = await get(`/api/v1/klines/${encodeURIComponent(market.symbol)}/${interval}?limit=${HISTORY}`);
    if (market !== this.#market || interval !== this.interval) return;
    if (fit) this.#more = answer.more;
    for (const kline of answer.klines) this.#put(kline);
    this.#all = true;
    at("candles-empty").hidden = this.#rows.length > 0;
    this.#draw();
    if (fit) this.chart.timeScale().setVisibleLogicalRange({ from: Math.max(this.#rows.length - SHOWN, Math.min(this.#rows.length - PLACES_MIN, -4)), to: this.#rows.length + 6 });
  }

  /** A candle as it stands now. */
  take(kline) {
    if (kline.symbol !== this.#market?.symbol || kline.interval !== this.interval) return;
    at("candles-empty").hidden = true;
    this.#put(kline);
    pace(this.draw);
  }

  /** A trade moves its candle at once. What the candle is then, the stream says a moment later. */
  trade(trade) {
    const last = this.#rows.at(-1);
    const known = this.#ahead.at(-1)?.trade_id ?? last?.said.last_trade_id ?? 0;
    if (!last || trade.trade_id <= known) return;
    this.#ahead.push(trade);
    this.#fold(last, trade);
    pace(this.draw);
  }

  #fold(row, trade) {
    const { said } = row;
    if (trade.time_ms < said.open_time_ms || trade.time_ms >= said.close_time_ms) return;
    const price = Number(trade.price);
    row.close = price;
    row.high = Math.max(row.high, price);
    row.low = Math.min(row.low, price);
    row.volume += Number(trade.quantity);
    row.said = {
      ...said, close: trade.price, volume: String(row.volume),
      high: row.high === price ? trade.price : said.high, low: row.low === price ? trade.price : said.low,
    };
    row.fresh = true;
  }

  /** Lines at one's own orders: `[{key, price, side, text}]`. */
  own(orders) {
    const wanted = new Map(orders.map((order) => [`${order.key} ${order.price} ${order.text}`, order]));
    for (const [key, { line }] of this.#lines) {
      if (wanted.has(key)) continue;
      this.series.removePriceLine(line);
      this.#lines.delete(key);
    }
    for (const [key, order] of wanted) {
      if (this.#lines.has(key)) continue;
      const line = this.series.createPriceLine({
        price: Number(order.price), title: order.text, color: sideColor(order.side), lineWidth: 1, lineStyle: 2, axisLabelVisible: true,
      });
      this.#lines.set(key, { line, side: order.side });
    }
  }

  #buttons(chosen) {
    const box = at("intervals");
    box.append(...INTERVALS.map((interval) => make("button", { textContent: interval, role: "radio", data: { interval } })));
    box.addEventListener("click", (event) => event.target.dataset.interval && chosen(event.target.dataset.interval));
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = INTERVALS.at((INTERVALS.indexOf(this.interval) + step) % INTERVALS.length);
      chosen(next);
      box.querySelector(`[data-interval="${next}"]`).focus();
    });
    at("averages").addEventListener("click", () => {
      this.#averages = !this.#averages;
      at("averages").setAttribute("aria-pressed", String(this.#averages));
      for (const line of this.averages) line.applyOptions({ visible: this.#averages });
      draw(this.draw);
    });
  }

  #put(kline) {
    const row = {
      time: kline.open_time_ms / 1000, open: Number(kline.open), high: Number(kline.high), low: Number(kline.low),
      close: Number(kline.close), volume: Number(kline.volume), said: kline,
    };
    const rows = this.#rows;
    const last = rows.at(-1);
    if (!last || row.time > last.time) rows.push(row);
    else {
      const index = rows.findLastIndex((one) => one.time <= row.time);
      if (index >= 0 && rows[index].time === row.time) rows[index] = row;
      else rows.splice(index + 1, 0, row);
      // The chart changes its last candle only; another one means all of them again.
      if (rows.at(-1) !== row) this.#all = true;
    }
    row.fresh = true;
    if (row !== rows.at(-1)) return;
    this.#ahead = this.#ahead.filter((trade) => trade.trade_id > (kline.last_trade_id ?? 0) && trade.time_ms >= kline.open_time_ms);
    for (const trade of this.#ahead) this.#fold(row, trade);
  }

  async #older() {
    if (!this.#more || this.#asking || !this.#rows.length) return;
    this.#asking = true;
    const [market, interval] = [this.#market, this.interval];
    try {
      const to = this.#rows[0].said.open_time_ms;
      const answer = await get(`/api/v1/klines/${encodeURIComponent(market.symbol)}/${interval}?limit=${HISTORY}&to=${to}`);
      if (market !== this.#market || interval !== this.interval) return;
      this.#more = answer.more && answer.klines.length > 0;
      for (const kline of answer.klines) this.#put(kline);
      this.#all = true;
      draw(this.draw);
    } catch {
      // What is there stays; the next scroll asks again.
    } finally {
      this.#asking = false;
    }
  }

  #draw() {
    const rows = this.#rows;
    const bar = (row) => ({
      time: row.time, value: row.volume, color: row.close >= row.open ? this.#volumeUp : this.#volumeDown,
    });
    if (this.#all) {
      this.series.setData(rows);
      this.volume.setData(rows.map(bar));
      this.averages.forEach((line, index) => line.setData(rows.map((_, at) => this.#average(AVERAGES[index], at)).filter(Boolean)));
      for (const row of rows) row.fresh = false;
      this.#all = false;
    } else {
      for (let index = Math.max(rows.length - 3, 0); index < rows.length; index += 1) {
        if (!rows[index].fresh) continue;
        this.series.update(rows[index]);
        this.volume.update(bar(rows[index]));
        this.averages.forEach((line, which) => {
          const average = this.#average(AVERAGES[which], index);
          if (average) line.update(average);
        });
        rows[index].fresh = false;
      }
    }
    this.#legend();
  }

  /** The average of the last `period` closes at a candle; null where there are not so many. */
  #average(period, index) {
    if (index < period - 1) return null;
    let sum = 0;
    for (let at = index - period + 1; at <= index; at += 1) sum += this.#rows[at].close;
    return { time: this.#rows[index].time, value: sum / period };
  }

  #legend() {
    const row = this.#hovered === null ? this.#rows.at(-1) : this.#rows.find((one) => one.time === this.#hovered);
    const box = at("legend");
    if (!row) return box.replaceChildren();
    if (!box.children.length) {
      box.append(...["O", "H", "L", "C", "", "Vol", ...AVERAGES.map((period) => `MA${period}`)].map((name) => make("span", {}, name && `${name} `, make("b"))));
    }
    const { said } = row;
    const change = row.open ? ((row.close - row.open) / row.open) * 100 : 0;
    const texts = [grouped(said.open), grouped(said.high), grouped(said.low), grouped(said.close), percent(change), compact(said.volume), ...this.#averageTexts(row)];
    [...box.children].forEach((span, index) => {
      const value = span.querySelector("b");
      say(value, texts[index]);
      sign(value, index < 5 ? row.close - row.open || 1e-9 : 0);
      span.hidden = !texts[index];
    });
  }

  /** The averages at a candle, as far as there are any. */
  #averageTexts(row) {
    const index = this.#rows.indexOf(row);
    return AVERAGES.map((period) => {
      const found = this.#averages ? this.#average(period, index) : null;
      return found ? grouped(found.value.toFixed(this.#market.tick.places)) : "";
    });
  }
}
