// An order book: a snapshot, then changes, each naming the one before it, each with a checksum of what the best levels
// are then. After a change that does not follow, or a sum that differs, the book is none and asks for a snapshot. No
// drawing here. docs/websocket.md has the rules.

/** What a checksum is over: so many levels of each side. */
const CHECKED = 25;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let rest = value;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});

/** CRC-32, the one of zlib, of an ASCII text. */
function crc32(text) {
  let sum = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) sum = CRC_TABLE[(sum ^ text.charCodeAt(at)) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** Where a key stands in a sorted list, or belongs. `down`: the list falls. */
function place(list, key, down) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (down ? list[middle] > key : list[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Price levels of a side, best first: `ticks` sorted, and the lots of each. */
class Side {
  constructor(down) {
    this.down = down;
    this.clear();
  }

  clear() {
    this.ticks = [];
    this.lots = new Map();
  }

  set(tick, lots) {
    const known = this.lots.has(tick);
    if (lots) {
      this.lots.set(tick, lots);
      if (!known) this.ticks.splice(place(this.ticks, tick, this.down), 0, tick);
    } else if (known) {
      this.lots.delete(tick);
      this.ticks.splice(place(this.ticks, tick, this.down), 1);
    }
  }

  /** The best `count` levels put together into steps, `[tick, lots, lots so far]`: bids downwards, asks upwards. */
  levels(count, step) {
    const found = [];
    let total = 0;
    for (const tick of this.ticks) {
      const group = (this.down ? Math.floor(tick / step) : Math.ceil(tick / step)) * step;
      const lots = this.lots.get(tick);
      const last = found.at(-1);
      if (last && last[0] === group) last[1] += lots;
      else if (found.length === count) break;
      else found.push([group, lots, 0]);
      total += lots;
      found.at(-1)[2] = total;
    }
    return found;
  }

  /** Lots a taker gets, and what it pays for them in tick-lots, if it wants so many. */
  taken(lots) {
    let got = 0;
    let paid = 0;
    for (const tick of this.ticks) {
      const here = Math.min(this.lots.get(tick), lots - got);
      got += here;
      paid += here * tick;
      if (got >= lots) break;
    }
    return [got, paid];
  }
}

export class Book {
  constructor(tick, lot) {
    this.tick = tick;
    this.lot = lot;
    this.bids = new Side(true);
    this.asks = new Side(false);
    this.sequence = null;
  }

  /** Take a message; false when the book is not what was told: a snapshot is needed. */
  take(message) {
    if (message.event === "snapshot") {
      this.bids.clear();
      this.asks.clear();
      this.sequence = message.seq;
    } else {
      if (this.sequence === null) return true;
      if (message.seq <= this.sequence) return true;
      if (message.prev_seq > this.sequence) {
        this.sequence = null;
        return false;
      }
      this.sequence = message.seq;
    }
    for (const [price, quantity] of message.bids) this.bids.set(this.tick.count(price), this.lot.count(quantity));
    for (const [price, quantity] of message.asks) this.asks.set(this.tick.count(price), this.lot.count(quantity));
    if (message.checksum === this.#checksum()) return true;
    this.sequence = null;
    return false;
  }

  #checksum() {
    const texts = [this.bids, this.asks].flatMap((side) =>
      side.ticks.slice(0, CHECKED).map((tick) => `${this.tick.text(tick)}:${this.lot.text(side.lots.get(tick))};`));
    return crc32(texts.join(""));
  }

  /** The best prices in ticks; undefined for an empty side. */
  get best() {
    return [this.bids.ticks[0], this.asks.ticks[0]];
  }
}
