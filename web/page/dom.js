// Small means of drawing: elements by text, changes only where something changed, one drawing a frame.

/** An element by its id. */
export const at = (id) => document.getElementById(id);

/** An element with a class, text or children. Text is text: nothing that anybody sends is ever read as HTML. */
export function make(tag, words = {}, ...children) {
  const { data, ...rest } = words;
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  if (data) Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** Set text where it differs: to set the same text again makes a browser lay out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The sign of a change as a class. */
export function sign(element, value) {
  element.classList.toggle("up", value > 0);
  element.classList.toggle("down", value < 0);
}

const jobs = new Set();
let asked = false;

/** Run a job at the next frame, once however often it is asked for. For what somebody does. */
export function draw(job) {
  jobs.add(job);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const now = [...jobs];
    jobs.clear();
    for (const one of now) {
      try {
        one();
      } catch (error) {
        // One part that cannot draw must not stop the others.
        console.error(error);
      }
    }
  });
}

/** Nobody reads faster; what is drawn less often leaves time for what somebody does. */
const PACE_MS = 50;
const paced = new Set();
let pacing = 0;
let drawnMs = 0;

/** The same for what the market does: at once, but not more often than it can be read. */
export function pace(job) {
  paced.add(job);
  pacing ||= setTimeout(() => {
    pacing = 0;
    drawnMs = performance.now();
    for (const one of paced) draw(one);
    paced.clear();
  }, Math.max(0, drawnMs + PACE_MS - performance.now()));
}

/** Whoever wants to know: `on(name, heard)`, `tell(name, what)`. */
export class Bell {
  #heard = new Map();

  on(name, heard) {
    this.#heard.set(name, [...(this.#heard.get(name) ?? []), heard]);
  }

  tell(name, what) {
    for (const heard of this.#heard.get(name) ?? []) heard(what);
  }
}

/** Tabs of which one is chosen, with arrow keys. `chosen` is called with the id of the panel. */
export function tabs(list, chosen = () => {}) {
  const buttons = [...list.querySelectorAll("[role=tab]")];
  const choose = (button, focus) => {
    for (const one of buttons) {
      const is = one === button;
      one.setAttribute("aria-selected", String(is));
      one.tabIndex = is ? 0 : -1;
      at(one.getAttribute("aria-controls")).hidden = !is;
    }
    if (focus) button.focus();
    chosen(button.getAttribute("aria-controls"));
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[role=tab]");
    if (button) choose(button, false);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const there = buttons.filter((button) => !button.hidden);
    choose(there.at((there.indexOf(document.activeElement) + step) % there.length), true);
  });
  return (id) => choose(buttons.find((button) => button.getAttribute("aria-controls") === id), false);
}

const TOASTS_MAX = 3;
const TOAST_MS = 5_000;

/** Tell something that passes. `kind`: "good", "bad" or "". */
export function toast(kind, title, text = "") {
  const box = at("toasts");
  const one = make("div", { className: `toast ${kind}` }, make("strong", { textContent: title }), text);
  box.append(one);
  while (box.children.length > TOASTS_MAX) box.firstChild.remove();
  one.addEventListener("click", () => one.remove());
  setTimeout(() => one.remove(), TOAST_MS);
}

/** Ask yes or no; a promise of a boolean. */
export function ask(title, text, yes) {
  const dialog = at("ask-dialog");
  at("ask-title").textContent = title;
  at("ask-text").textContent = text;
  at("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  at("ask-yes").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
