"use strict";
const names = JSON.parse(document.getElementById("names").textContent);
const by = (id) => document.getElementById(id);
let at = 0;
function show() {
  const over = at >= names.length;
  by("told").textContent = over ? "That was all. Thank you; you can close this page." : names[at];
  by("count").textContent = Math.min(at + 1, names.length) + " of " + names.length;
  for (const side of ["left", "right"]) {
    by(side).hidden = over;
    if (!over) by(side).querySelector("img").src = at + "/" + side;
  }
}
async function say(what) {
  if (at >= names.length) return;
  const answer = await fetch(at + "/" + what, { method: "POST" });
  if (answer.ok) { at += 1; show(); } else { by("told").textContent = "It could not be kept; try again."; }
}
function back() { at = Math.max(0, at - 1); show(); }
by("left").onclick = () => say("1");
by("right").onclick = () => say("2");
by("same").onclick = () => say("=");
by("back").onclick = back;
document.onkeydown = (event) => {
  if (["1", "2", "="].includes(event.key)) say(event.key);
  if (event.key === "Backspace") back();
};
show();
