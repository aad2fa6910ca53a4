// Makes the parts of the page. All text is set as text, so nothing that was said becomes markup.

export const $ = (id) => document.getElementById(id);

/** An element with attributes, and children that are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** How many of the claims hold, in words; "" where nothing was claimed. */
export function score(claims) {
  if (!claims.length) return "";
  const holds = claims.filter((claim) => claim.holds).length;
  return `${holds} of ${claims.length} hold`;
}

/** The same in few letters, for small tiles. */
export function short(claims) {
  return claims.length ? `${claims.filter((claim) => claim.holds).length}/${claims.length}` : "";
}

/** A claim with its mark, its bar and its percentage. */
export function claim({ text, probability, holds }) {
  const state = holds === null ? "unknown" : holds ? "holds" : "fails";
  const mark = { holds: "✓", fails: "✗", unknown: "?" }[state];
  const spoken = { holds: "holds", fails: "does not hold", unknown: "nobody looked" }[state];
  const percent = probability === null ? "" : `${Math.round(probability * 100)}%`;
  const level = make("span", { class: "level" });
  level.style.inlineSize = percent || "0";
  return make(
    "li",
    { class: state },
    make("span", { class: "mark", "aria-hidden": "true" }, mark),
    make("span", {}, text, make("span", { class: "hidden" }, `: ${spoken}`)),
    make("span", { class: "percent" }, percent),
    make("span", { class: "track", "aria-hidden": "true" }, level),
  );
}

/** A claim that nobody has looked at yet. */
export function open(text) {
  return claim({ text, probability: null, holds: null });
}

/** The prompt, each part marked with where it came from. */
export function spans(parts) {
  const told = { translated: "translated", inferred: "added by the writer", style: "by the style", fix: "to mend what failed" };
  return parts.map(({ text, origin }) =>
    make("span", { class: `from-${origin}`, title: told[origin] ?? "your words" }, text),
  );
}

/** A line of the conversation: `who` is "you", "limner" or "aside". */
export function line(who, text, ...more) {
  const speaker = { you: "You: ", limner: "limner: " }[who];
  const hidden = speaker ? make("span", { class: "hidden" }, speaker) : null;
  return make("li", { class: who }, hidden, text, ...more);
}
