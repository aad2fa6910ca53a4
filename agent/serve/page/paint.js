// The conversation: what is said, the pictures as they form, and what is thought of them.

import { call, watch } from "/page/api.js";
import { $, asked, invented, make, short, spans, turnItem, turnLine } from "/page/draw.js";

let session = null; // as the server told it last
let ready = null; // what is said before the session came waits for it
let job = null; // what is being painted
let looked = null; // the number of the picture that is shown large
let refuse = null; // shows a refusal

/** Puts up what is there from the beginning. `complain` shows a refusal. */
export function begin(complain) {
  const doing = (work) => (event) => {
    event?.preventDefault();
    work().catch(complain);
  };
  refuse = complain;
  $("say").addEventListener("submit", doing(() => speak()));
  $("stop").addEventListener("click", doing(() => call("DELETE", `/v1/jobs/${job}`)));
  for (const step of ["undo", "redo", "again"]) {
    $(step).addEventListener("click", doing(() => take({ step })));
  }
  $("enlarge").addEventListener("click", () => $("large").showModal());
  $("claims-card").open = !matchMedia("(max-width: 52rem)").matches; // folded on a phone
}

/** Begins anew, or goes on with a session of the archive. */
export function start(asked = {}) {
  return shown(call("POST", "/v1/sessions", asked));
}

/** Goes on where this tab was, if the server still knows. */
export function restore() {
  return shown(remembered());
}

async function shown(coming) {
  ready = coming.then(put);
  const state = await ready;
  if (state.job) await paint(state.job);
}

async function remembered() {
  const name = sessionStorage.getItem("limner-session");
  const kept = sessionStorage.getItem("limner-archived");
  const known = name ? await call("GET", `/v1/sessions/${name}`).catch((refusal) => ifGone(refusal)) : null;
  return known ?? call("POST", "/v1/sessions", name && kept ? { resume: Number(kept) } : {});
}

function ifGone(refusal) {
  if (refusal.status === 404) return null;
  throw refusal;
}

/** Whether a picture is being painted here. */
export const busy = () => job !== null;

function put(state) {
  looked = null;
  $("log").replaceChildren();
  $("examples").replaceChildren(
    ...state.examples.map((text) => make("li", {}, make("button", { type: "button", onclick: () => fill(text) }, text))),
  );
  render(state);
  return state;
}

function fill(text) {
  $("words").value = text;
  $("words").focus();
}

/** Says a line, or what stands in the field. */
async function speak(text) {
  const words = (text ?? $("words").value).trim();
  if (!words || busy()) return;
  $("words").value = ""; // at once, so that a second Enter says it once
  const turn = await say(words).catch((refusal) => {
    $("words").value = words;
    throw refusal;
  });
  await follow(turn);
}

async function say(words) {
  await ready;
  return call("POST", `/v1/sessions/${session.id}/words`, { words });
}

async function take(step) {
  if (!busy()) await follow(await call("POST", `/v1/sessions/${session.id}/steps`, step));
}

async function follow(turn) {
  if (turn.job) looked ??= session.meant; // it stays in view until there is another
  else looked = null;
  render(turn.session);
  const news = turn.job ? $("canvas") : $("log").lastElementChild;
  news?.scrollIntoView({ block: "nearest" });
  if (turn.job) await paint(turn.job);
}

async function paint(name) {
  job = name;
  working(true);
  const round = { number: -1 };
  try {
    await watch(`/v1/jobs/${name}/events`, (kind, said) => happen(said, round));
  } finally {
    job = null;
    working(false);
    looked = null;
    render(await call("GET", `/v1/sessions/${session.id}`));
  }
}

const HAPPEN = { brief: drafted, step, take: painted };

function happen(said, round) {
  HAPPEN[said.kind]?.(said, round);
  if (said.lines) tell($("log").lastElementChild, said.lines, said.first_line);
}

function drafted(said) {
  judge(said);
  $("prompt").replaceChildren(...spans(said.spans));
  $("step").textContent = "The brief is ready.";
}

/** The turns as the server tells them; what is there already stays, so that nobody reads it twice. */
function converse(turns) {
  const log = $("log");
  while (log.children.length > turns.length) log.lastElementChild.remove();
  turns.forEach(({ words, lines }, at) => tell(log.children[at] ?? log.appendChild(turnItem(words)), lines, 0));
}

/** Adds those lines that a turn does not have yet; the first of them is its line number `first`. */
function tell(item, lines, first) {
  const list = item.querySelector(".lines");
  const fresh = lines.slice(list.children.length - first);
  list.append(...fresh.map((line) => turnLine(line, (choice) => speak(choice).catch(refuse))));
  $("log").scrollTop = $("log").scrollHeight;
}

function judge(said) {
  const own = invented(said);
  $("claims-card").hidden = false;
  $("verdict").textContent = said.verdict.said;
  $("verdict").className = said.verdict.reached ? "verdict reached" : "verdict";
  $("claims").replaceChildren(...asked(said));
  $("own").hidden = !own.length;
  $("invented").replaceChildren(...own);
}

function step(said, round) {
  $("bar").value = said.number / said.of;
  $("step").textContent = `Round ${said.round + 1}, step ${said.number} of ${said.of}`;
  const rough = Object.values(said.previews);
  if (!rough.length) return;
  if (round.number !== said.round) {
    round.number = said.round;
    $("takes").append(...rough.map(() => make("li", { class: "forming" }, make("img", { alt: "A picture is forming" }))));
  }
  const forming = document.querySelectorAll(".forming img");
  rough.forEach((source, at) => forming[at] && (forming[at].src = source));
  if (said.round === 0) {
    show(rough[0], "A picture is forming");
    $("title").textContent = $("score").textContent = "";
  }
}

function painted(said) {
  document.querySelector(".forming")?.remove();
  const forming = document.querySelector(".forming");
  const tile = thumbnail(said);
  if (forming) forming.before(tile);
  else $("takes").append(tile);
  if (said.best) look(said);
}

function render(state) {
  session = state;
  sessionStorage.setItem("limner-session", state.id);
  if (state.archived) sessionStorage.setItem("limner-archived", state.archived);
  else sessionStorage.removeItem("limner-archived");
  if (state.unkept) {
    $("notice").textContent = state.unkept;
    $("notice").hidden = false;
  }
  $("paint").classList.toggle("blank", !state.turns.length);
  $("paint").classList.toggle("wordy", !state.candidates.length && !state.job);
  $("empty").hidden = state.turns.length > 0;
  const here = state.versions.find((version) => version.here);
  $("takes").replaceChildren(...state.candidates.map((said) => thumbnail(said, here)));
  const meant = state.candidates.find((said) => said.number === (looked ?? state.meant));
  if (meant) look(meant);
  else blank(state);
  converse(state.turns);
  $("undo").disabled = !here?.parent;
  $("redo").disabled = !here || !state.versions.some((version) => version.parent === here.number);
  $("again").disabled = !here;
  $("words").placeholder = here ? "make it night · the second one, but blue · brighter" : state.examples[0];
}

function blank(state) {
  $("shown").hidden = $("save").hidden = true;
  $("enlarge").disabled = true;
  $("title").textContent = $("score").textContent = "";
  $("claims-card").hidden = true;
  if (state.brief) judge(state);
}

function thumbnail(said, here = null) {
  const other = here && !here.candidates.includes(said.number);
  const button = make(
    "button",
    { type: "button", "aria-pressed": "false", onclick: () => pick(said) },
    make("img", { src: said.picture, alt: "", width: said.width, height: said.height }),
    make("span", { class: "small", "aria-label": `#${said.number}, ${said.verdict.said}` }, `#${said.number} ${short(said.verdict)}`),
  );
  return make("li", { class: other ? "other" : "", "data-take": said.number }, button);
}

function pick(said) {
  if (busy()) return look(said);
  return take({ step: "pick", number: said.number }).catch(refuse);
}

function look(said) {
  looked = said.number;
  show(said.picture, said.prompt);
  $("title").textContent = `#${said.number}`;
  $("score").textContent = short(said.verdict).replace("/", " of ");
  judge(said);
  if (!busy()) $("prompt").replaceChildren(said.prompt);
  $("save").hidden = busy();
  $("save").href = said.picture;
  $("save").download = `limner-${said.number}.png`;
  for (const tile of $("takes").querySelectorAll("button")) {
    const here = tile.parentElement.dataset.take === String(said.number);
    tile.setAttribute("aria-pressed", String(here));
    if (here) reveal(tile.parentElement);
  }
}

/** Scrolls the strip of pictures, and nothing else, so that one of them is seen. */
function reveal(item) {
  const strip = $("takes");
  strip.scrollLeft = item.offsetLeft - strip.offsetLeft - (strip.clientWidth - item.clientWidth) / 2;
}

function show(source, alt) {
  for (const picture of [$("shown"), $("large-shown")]) {
    picture.src = source;
    picture.alt = alt;
  }
  $("shown").hidden = $("enlarge").disabled = false;
}

function working(now) {
  $("progress").hidden = !now;
  $("canvas").setAttribute("aria-busy", String(now));
  $("bar").removeAttribute("value");
  $("step").textContent = now ? "Waiting for the models…" : "";
  $("send").hidden = now;
  $("stop").hidden = !now;
  for (const name of ["undo", "redo", "again", "new"]) $(name).disabled = now;
  $("words").readOnly = now;
  if (!now) $("words").focus({ preventScroll: true });
}
