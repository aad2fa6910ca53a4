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

const MARKS = { holds: "✓", fails: "✗", unknown: "?", unchecked: "–", unshown: "⊘" };
const SPOKEN = {
  holds: "holds",
  fails: "does not hold",
  unknown: "nobody can tell",
  unchecked: "not checked",
  unshown: "these models can't show it",
};

/** How much of what was asked holds, in few letters; "" where nothing was asked. */
export function short({ holds, fails, cannot_tell, unchecked, not_shown }) {
  const of = [holds, fails, cannot_tell, unchecked, not_shown].reduce((sum, texts) => sum + texts.length, 0);
  return of ? `${holds.length}/${of}` : "";
}

/** What was asked, a line each: the claims of a picture or a brief, and what nobody looks for. */
export function asked({ brief, verdict, claims }) {
  return [
    ...(claims ?? brief.claims).filter((one) => one.source !== "invented").map((one) => claim(one, verdict)),
    ...verdict.unchecked.map((text) => row("unchecked", text)),
    ...verdict.not_shown.map((text) => row("unshown", text)),
  ];
}

/** The claims that the writer added, a line each. */
export function invented({ brief, verdict, claims }) {
  return (claims ?? brief.claims).filter((one) => one.source === "invented").map((one) => claim(one, verdict));
}

function claim({ text, probability = null, holds = null }, verdict) {
  const open = holds === null || verdict.cannot_tell.includes(text);
  return row(open ? "unknown" : holds ? "holds" : "fails", text, probability);
}

/** A line with its mark, its bar and its percentage; what is not checked, or can't be shown, says so. */
function row(state, text, probability = null) {
  const percent = probability === null ? "" : `${Math.round(probability * 100)}%`;
  const level = make("span", { class: "level" });
  level.style.inlineSize = percent || "0";
  const silent = state === "unchecked" || state === "unshown";
  return make(
    "li",
    { class: state },
    make("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
    make("span", {}, text, make("span", { class: silent ? "small" : "hidden" }, `: ${SPOKEN[state]}`)),
    make("span", { class: "percent" }, percent),
    silent ? null : make("span", { class: "track", "aria-hidden": "true" }, level),
  );
}

/** The prompt, each part marked with where it came from. */
export function spans(parts) {
  const told = { translated: "translated", inferred: "added by the writer", style: "by the style", fix: "to mend what failed" };
  return parts.map(({ text, origin }) =>
    make("span", { class: `from-${origin}`, title: told[origin] ?? "your words" }, text),
  );
}

const SIGNS = { "left out": "⊘", step: "›", note: "·", stopped: "■", error: "✗" };

/** A turn of the conversation: what was said in a bubble, and room for what came of it. */
export function turnItem(words) {
  const bubble = words ? make("p", { class: "you" }, make("span", { class: "hidden" }, "You: "), words) : null;
  return make("li", { class: "turn" }, bubble, make("ul", { class: "lines" }));
}

/** One line of what came of a turn; `choose` says a choice of a question. */
export function turnLine({ kind, text, choices = [] }, choose) {
  const name = { "+": "added", "-": "removed", "−": "removed" }[kind === "change" && text[0]];
  const buttons = choices.map((choice) =>
    make("button", { type: "button", class: "quiet", onclick: () => choose(choice) }, choice),
  );
  const sign = SIGNS[kind] ? make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]) : null;
  return make("li", { class: [kind.replace(" ", "-"), name].filter(Boolean).join(" ") }, sign, make("span", {}, text), ...buttons);
}
