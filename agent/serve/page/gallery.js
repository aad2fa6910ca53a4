// The gallery: every session that was kept, found by its words, and each with its takes.

import { call } from "/page/api.js";
import { $, asked, invented, make, short } from "/page/draw.js";

let skipped = 0;

/** Puts up what is there from the beginning; `resume` goes on with a session. */
export function begin(complain, resume) {
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    list().catch(complain);
  });
  $("more").addEventListener("click", () => list(skipped).catch(complain));
  $("sheet").addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (chosen) one(Number(chosen.dataset.session), resume).catch(complain);
  });
}

/** Lists what was kept, the latest first. */
export async function list(skip = 0) {
  const search = new URLSearchParams({ search: $("sought").value, skip });
  const { total, sessions } = await call("GET", `/v1/archive?${search}`);
  const cards = sessions.map(card);
  if (skip) $("sheet").append(...cards);
  else $("sheet").replaceChildren(...cards);
  skipped = skip + sessions.length;
  $("more").hidden = skipped >= total;
  $("past").hidden = true;
  $("sheet").hidden = false;
  $("found").textContent = total === 1 ? "One session." : total ? `${total} sessions.` : "Nothing is here yet.";
}

function card(row) {
  const picture = row.picture
    ? make("img", { src: row.picture, alt: "", loading: "lazy" })
    : make("span", { class: "none" }, "no picture");
  const told = row.verdict ? short(row.verdict) : "";
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", "data-session": row.id },
      picture,
      make("span", { class: "wish" }, row.request),
      make("span", { class: "small" }, [day(row.changed), told].filter(Boolean).join(" · ")),
    ),
  );
}

function day(when) {
  return new Date(when).toLocaleDateString(undefined, { dateStyle: "medium" });
}

async function one(number, resume) {
  const past = await call("GET", `/v1/archive/${number}`);
  $("past").replaceChildren(
    make(
      "div",
      { class: "tools" },
      make("button", { type: "button", class: "quiet", onclick: () => list() }, "← All"),
      make("button", { type: "button", onclick: () => resume(number) }, "Go on with it"),
    ),
    make("h2", {}, past.request),
    ...past.history.map((version) => chapter(version, past.best)),
  );
  $("sheet").hidden = $("more").hidden = true;
  $("past").hidden = false;
  $("found").textContent = "";
  $("past").focus();
}

function chapter(version, best) {
  return make(
    "section",
    { class: "chapter" },
    make("h3", {}, `${version.number}. ${version.words}`),
    make("ul", { class: "sheet" }, ...version.candidates.map((take) => tile(take, take.number === best))),
  );
}

function tile(take, best) {
  return make(
    "li",
    { class: best ? "best" : "" },
    make("img", { src: take.picture, alt: take.prompt, loading: "lazy" }),
    make(
      "details",
      {},
      make("summary", {}, `#${take.number} `, make("span", { class: "small" }, short(take.verdict))),
      make("p", { class: "small" }, take.verdict.said),
      make("ul", { class: "claims" }, ...asked(take)),
      make("ul", { class: "claims own", "aria-label": "Added by the writer" }, ...invented(take)),
    ),
  );
}
