"""How well text can be read: the contrast of colours as WCAG 2.2 defines it, and of all text that a page shows."""

from typing import Any, Final

from playwright.sync_api import Page

#: What WCAG asks for at level AA; of large text 3 would do, and this page keeps to the same.
CONTRAST_MIN: Final = 4.5

Colour = tuple[float, float, float]

_SHOWN: Final = """() => {
  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  // Of an element and of all that it is in, from the inside out; most texts share them.
  const known = new Map();
  const groundsOf = (element) => {
    if (!element) return [];
    if (!known.has(element)) {
      const colour = rgba(getComputedStyle(element).backgroundColor);
      const outer = groundsOf(element.parentElement);
      known.set(element, colour[3] ? [colour, ...outer] : outer);
    }
    return known.get(element);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    // What cannot be used needs no contrast; options are drawn by the system.
    if (element.closest(":disabled, option, script, .unseen")) continue;
    // The bar of a level lies between its text and everything behind it.
    const bar = element.closest(".level")?.querySelector("i");
    const grounds = [...(bar ? [rgba(getComputedStyle(bar).backgroundColor)] : []), ...groundsOf(element)];
    const part = element.className || element.id || element.tagName;
    found.push({ text, part, colour: rgba(getComputedStyle(element).color), grounds });
  }
  return found;
}"""


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1; parts of a colour are 0 to 255."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def over(colour: Colour, share: float, ground: Colour) -> Colour:
    """A colour that is only partly there, on a ground."""
    red, green, blue = (top * share + below * (1 - share) for top, below in zip(colour, ground, strict=True))
    return (red, green, blue)


def poorly_shown(page: Page) -> list[str]:
    """Text that is seen now and has too little contrast with what lies behind it."""
    poor = []
    shown: list[dict[str, Any]] = page.evaluate(_SHOWN)
    assert len(shown) > 20, shown
    for one in shown:
        ground: Colour = (255, 255, 255)
        for *parts, share in reversed(one["grounds"]):
            ground = over((parts[0], parts[1], parts[2]), share, ground)
        *parts, share = one["colour"]
        found = contrast(over((parts[0], parts[1], parts[2]), share, ground), ground)
        if found < CONTRAST_MIN:
            poor.append(f"{one['part']}: {one['text']!r} has {found:.2f}")
    return poor
