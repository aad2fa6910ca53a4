// The conversation: what is said, the takes as they form, and what is thought of them.

import { call, watch } from "/page/api.js";
import { $, asked, invented, line, make, short, spans } from "/page/draw.js";

const ENDED = {
  cancelled: "Stopped; this is the best so far.",
  failed: "A model failed; this is the best so far.",
};
const EXAMPLES = ["a red cat left of a blue balloon, on the grass", "two dogs in the snow, at night", "一只可爱的小猫在草地上"];

let session = null; // as the server told it last
let ready = null; // what is said before the session came waits for it
let job = null; // what is being painted
let looked = null; // the number of the take that is shown large
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
  $("examples").append(
    ...EXAMPLES.map((text) => make("li", {}, make("button", { type: "button", onclick: () => fill(text) }, text))),
  );
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
  if (state.job) await paint(state.job, true);
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

function fill(text) {
  $("words").value = text;
  $("words").focus();
}

/** Says a line, or what stands in the field. */
async function speak(text) {
  const words = (text ?? $("words").value).trim();
  if (!words || busy()) return;
  $("words").value = ""; // at once, so that a second Enter says it once
  const turn = await ask(words).catch((refusal) => {
    $("words").value = words;
    throw refusal;
  });
  say(line("you", words));
  await follow(turn);
}

async function ask(words) {
  await ready;
  return call("POST", `/v1/sessions/${session.id}/words`, { words });
}

async function take(step) {
  if (!busy()) await follow(await call("POST", `/v1/sessions/${session.id}/steps`, step));
}

async function follow(turn) {
  for (const said of turn.said) say(line("limner", said));
  if (turn.job) {
    await paint(turn.job);
  } else {
    looked = null;
    render(turn.session);
  }
}

function put(state) {
  looked = null;
  $("log").replaceChildren(...state.versions.map(told));
  render(state);
  return state;
}

function told(version) {
  const changes = version.parent ? version.changes.join("; ") : "";
  return line("you", version.words, changes ? make("small", {}, changes) : null);
}

async function paint(name, silent = false) {
  job = name;
  working(true);
  const round = { number: -1 };
  try {
    await watch(`/v1/jobs/${name}/events`, (kind, said) => happen(kind, said, round, silent));
  } finally {
    job = null;
    working(false);
    looked = null;
    render(await call("GET", `/v1/sessions/${session.id}`));
  }
}

function happen(kind, said, round, silent) {
  const tell = silent ? () => {} : say;
  if (kind === "error") say(line("aside wrong", said.error.message));
  else if (said.kind === "brief") drafted(said, tell);
  else if (said.kind === "reply") replied(said, tell);
  else if (said.kind === "heard") heard(said, silent);
  else if (said.kind === "token") $("step").textContent = "The writer is at work…";
  else if (said.kind === "step") step(said, round);
  else if (said.kind === "take") painted(said);
  else if (said.kind === "decided") tell(line("aside", said.why));
  else if (said.kind === "revised") tell(line("aside", `Reworded: ${said.after}`));
  else if (said.kind === "finished") ended(said, tell);
}

function heard(said, silent) {
  $("step").textContent = said.call === "draw" || said.call === "edit" ? "Writing the brief…" : "";
  if (said.call === "save" && !silent && !$("save").hidden) $("save").click();
}

function replied(said, tell) {
  const choices = said.choices.map((text) =>
    make("button", { type: "button", class: "quiet", onclick: () => speak(text).catch(refuse) }, text),
  );
  tell(line("limner", said.text, ...choices));
}

function drafted(said, tell) {
  if (said.brief.reply) tell(line("limner", said.brief.reply));
  for (const note of [said.why, ...said.notes].filter(Boolean)) tell(line("aside", note));
  judge(said);
  $("prompt").replaceChildren(...spans(said.spans));
  $("step").textContent = "The brief is ready.";
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
    $("takes").append(...rough.map(() => make("li", { class: "forming" }, make("img", { alt: "A take is forming" }))));
  }
  const forming = document.querySelectorAll(".forming img");
  rough.forEach((source, at) => forming[at] && (forming[at].src = source));
  if (said.round === 0) {
    enlarge(rough[0], "A take is forming");
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

function ended(said, tell) {
  for (const rest of document.querySelectorAll(".forming")) rest.remove();
  const pictures = `${Number(said.spent.toFixed(1))} pictures' worth of painting`;
  if (said.verdict) tell(line("limner", said.verdict.said));
  tell(line("aside", ENDED[said.ended] ?? `${pictures}, ${said.seconds.toFixed(1)} s.`));
  for (const note of said.notes) tell(line("aside", note));
}

function say(element) {
  $("paint").classList.remove("blank");
  $("log").append(element);
  $("log").scrollTop = $("log").scrollHeight;
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
  const here = state.versions.find((version) => version.here);
  $("takes").replaceChildren(...state.takes.map((said) => thumbnail(said, here)));
  const meant = state.takes.find((said) => said.number === (looked ?? state.meant));
  if (meant) look(meant);
  else blank();
  $("undo").disabled = !here?.parent;
  $("redo").disabled = !here || !state.versions.some((version) => version.parent === here.number);
  $("again").disabled = !here;
  $("words").placeholder = here ? "make it night · the second one, but blue · brighter" : EXAMPLES[0];
}

function blank() {
  $("paint").classList.toggle("blank", !session.versions.length);
  $("shown").hidden = true;
  $("empty").hidden = false;
  $("title").textContent = $("score").textContent = "";
  $("claims-card").hidden = true;
  $("save").hidden = true;
}

function thumbnail(said, here = null) {
  const other = here && !here.takes.includes(said.number);
  const button = make(
    "button",
    { type: "button", "aria-pressed": "false", onclick: () => pick(said) },
    make("img", { src: said.picture, alt: "", width: said.width, height: said.height }),
    make("span", { class: "small", "aria-label": `take ${said.number}, ${said.verdict.said}` }, `#${said.number} ${short(said.verdict)}`),
  );
  return make("li", { class: other ? "other" : "", "data-take": said.number }, button);
}

function pick(said) {
  if (busy()) return look(said);
  return take({ step: "pick", number: said.number }).catch((refusal) => say(line("aside wrong", refusal.message)));
}

function look(said) {
  looked = said.number;
  enlarge(said.picture, said.prompt);
  $("title").textContent = `#${said.number}`;
  $("score").textContent = short(said.verdict);
  judge(said);
  if (!busy()) $("prompt").replaceChildren(said.prompt);
  $("save").hidden = busy();
  $("save").href = said.picture;
  $("save").download = `limner-${said.number}.png`;
  for (const tile of $("takes").querySelectorAll("button")) {
    tile.setAttribute("aria-pressed", String(tile.parentElement.dataset.take === String(said.number)));
  }
}

function enlarge(source, alt) {
  $("paint").classList.remove("blank");
  $("empty").hidden = true;
  $("shown").hidden = false;
  $("shown").src = source;
  $("shown").alt = alt;
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
