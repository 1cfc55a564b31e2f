/** A minimal user interface library. Text is always inserted as text. */

type Attributes = Readonly<Record<string, string>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function svg(name: string, attributes: Attributes = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The element of the page with this id. */
export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

/** Only if it differs, so that selections, focus and screen readers are not disturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Replaces the children when `key` differs from the last time. */
export function setChildren(
  element: Element,
  key: string,
  children: () => (Node | string)[],
): void {
  if (element.getAttribute('data-key') === key) return;
  element.setAttribute('data-key', key);
  element.replaceChildren(...children());
}

const SHAPES = {
  check: ['M5 13l4.5 4.5L19 7.5'],
  cross: ['M6 6l12 12M18 6L6 18'],
  pause: ['M9 6v12M15 6v12'],
  wait: ['M12 7v5l3 2', 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z'],
  alert: ['M12 8v5M12 16.5v.01', 'M12 3.5L2.5 20h19z'],
  right: ['M5 12h14M13 6l6 6-6 6'],
  dot: ['M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z'],
  hand: ['M4 8h13M13 4l4 4-4 4M20 16H7M11 12l-4 4 4 4'],
  back: ['M9 6L4 11l5 5M4 11h10a6 6 0 0 1 0 9h-2'],
};
export type IconName = keyof typeof SHAPES;

/** Decoration; the text beside it has the same content. */
export function icon(name: IconName): SVGElement {
  const paths = SHAPES[name].map((d) => svg('path', { d }));
  return svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, ...paths);
}
