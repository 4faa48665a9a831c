/** Makes elements: attributes and text only, never markup from strings. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes] `class`, `text`, `on...` handlers, anything else as an attribute
 * @param {(Node|string)[]} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** @param {string} tag @param {Record<string, any>} [attributes] @param {Node[]} children @returns {any} */
export function svg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

/** @param {string} name of a symbol in index.html @param {string} [kind] @returns {SVGElement} */
export function icon(name, kind = "icon") {
  return svg("svg", { class: `${kind} ${kind}-${name}`, "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/** @param {number} count @returns {string} such as 10,000; the browser's own formatter takes long to load */
export function counted(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @param {string} id @returns {any} the element that index.html promises */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element ${id}`);
  return found;
}

/** @param {Element} node @param {Record<string, any>} attributes @param {(Node|string)[]} children */
function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}
