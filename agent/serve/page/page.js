// Begins the page: the token, the two views, and what is said when something is refused.

import { setToken, takeToken } from "/page/api.js";
import { $ } from "/page/draw.js";
import * as gallery from "/page/gallery.js";
import * as paint from "/page/paint.js";

function complain(refusal) {
  if (refusal.status === 401) {
    $("locked").showModal();
    return;
  }
  $("notice").textContent = refusal.message;
  $("notice").hidden = false;
}

function view(name) {
  $("notice").hidden = true;
  for (const one of ["paint", "gallery"]) {
    $(one).hidden = one !== name;
    if (one === name) $(`to-${one}`).setAttribute("aria-current", "page");
    else $(`to-${one}`).removeAttribute("aria-current");
  }
  $("say").hidden = name !== "paint";
}

function anew(asked) {
  view("paint");
  paint.start(asked).catch(complain);
}

function unlock(event) {
  event.preventDefault();
  setToken($("token").value);
  $("token").value = "";
  $("locked").close();
  paint.restore().catch(complain);
}

takeToken();
paint.begin(complain);
gallery.begin(complain, (resume) => anew({ resume }));
$("unlock").addEventListener("submit", unlock);
$("to-paint").addEventListener("click", () => view("paint"));
$("to-gallery").addEventListener("click", () => {
  view("gallery");
  gallery.list().catch(complain);
});
$("new").addEventListener("click", () => anew({}));
document.addEventListener("input", () => ($("notice").hidden = true));
paint.restore().catch(complain);
