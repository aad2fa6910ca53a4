// Talks to the server: one call at a time, or a stream of what happens.

const KEY = "limner-token";

/** An answer that is no success: `status` as HTTP says it, the message in one line. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Takes the token out of the page's address, so that nobody reads it over a shoulder. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return;
  sessionStorage.setItem(KEY, found);
  history.replaceState(null, "", location.pathname);
}

/** Remembers a token for as long as this tab is open. */
export function setToken(token) {
  sessionStorage.setItem(KEY, token.trim());
}

/** Asks the server; the answer is plain JSON. Throws a `Refusal`. */
export async function call(method, path, body) {
  const answer = await send(method, path, body);
  return answer.json();
}

/** Hands each server-sent event of an address to `hear`, until the last. */
export async function watch(path, hear) {
  const answer = await send("GET", path);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const block of whole) tell(block, hear);
  }
}

function tell(block, hear) {
  const lines = block.split("\n");
  const named = lines.find((line) => line.startsWith("event: "));
  const text = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  if (text.length) hear(named ? named.slice(7) : "", JSON.parse(text.join("\n")));
}

async function send(method, path, body) {
  const headers = {};
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const text = body === undefined ? undefined : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: text, credentials: "omit" });
  } catch {
    throw new Refusal(0, "limner does not answer; is it still running?");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => null);
  throw new Refusal(answer.status, said?.error?.message ?? `The server said ${answer.status}.`);
}
