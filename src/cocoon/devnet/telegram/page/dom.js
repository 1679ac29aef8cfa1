// Elements without HTML strings: nothing that somebody wrote is ever parsed as markup.

const ICONS = {
  back: "M15 5l-7 7 7 7",
  down: "M6 9l6 6 6-6",
  close: "M6 6l12 12M18 6L6 18",
  dots: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  send: "M4.5 12L20 4.5 15 20l-3.5-6.5zM11.5 13.5L20 4.5",
  clip: "M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4",
  mic: "M12 3.5a2.8 2.8 0 0 1 2.8 2.8v5a2.8 2.8 0 0 1-5.6 0v-5A2.8 2.8 0 0 1 12 3.5zM6 11a6 6 0 0 0 12 0M12 17v3.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  reply: "M10 6l-6 6 6 6M4 12h9a7 7 0 0 1 7 7",
  copy: "M9 9h10v11H9zM5 15V4h10",
  pick: "M5 12.500l4.500 4.500L19 7.500",
  slash: "M15 4L9 20",
  file: "M7 3.500h7l4 4V20.500H7zM14 3.500v4h4",
  app: "M7 2.800h10a1.500 1.500 0 0 1 1.500 1.500v15.400a1.500 1.500 0 0 1-1.500 1.500H7a1.500 1.500 0 0 1-1.500-1.500V4.300A1.500 1.500 0 0 1 7 2.800zM10.500 18h3",
  reload: "M19.500 12a7.500 7.500 0 1 1-2.200-5.300M19.500 3.500v4h-4",
  ban: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM6 6l12 12",
  star: "M12 3.500l2.600 5.500 6 .8-4.400 4.200 1.100 6-5.300-2.900L6.700 20l1.100-6-4.400-4.200 6-.8z",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M5.600 18.400l2.100-2.100M16.300 7.700l2.100-2.100",
  wallet: "M4 7.500h14.500a1.500 1.500 0 0 1 1.500 1.500v9a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 18zM4 7.500A2.500 2.500 0 0 1 6.500 5H17M16 13.500h.01",
};

/** An element; `props` that start with "on" are listeners, `data` and `style` are objects. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A drawing by name, hidden from screen readers. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A round button with a drawing. */
export function iconButton(name, label, onclick, more = {}) {
  const button = el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...more });
  button.append(icon(name));
  return button;
}

export const byId = (id) => document.getElementById(id);

/** A colour for a name or number, the same every time. */
export function hue(key) {
  let sum = 0;
  for (const sign of String(key)) sum = (sum * 31 + sign.codePointAt(0)) % 360;
  return `${sum}deg`;
}

/** One or two letters for a round picture. */
export function initials(name) {
  const words = name.replace(/\(.*?\)|[^\p{L}\p{N} ]/gu, "").trim().split(/\s+/);
  return words.slice(0, 2).map((word) => [...word][0] || "").join("").toUpperCase() || "?";
}

export function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function dayName(seconds) {
  const day = new Date(seconds * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return day.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}
