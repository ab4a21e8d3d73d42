// Says while a key is typed what kind it is, by how it begins, and tells the site that shows the page how it went.
// The form works without it.
"use strict";

const slots = [...document.querySelectorAll("input[data-prefixes]")];
const kinds = slots
  .flatMap((input) => input.dataset.prefixes.split(" ").map((prefix) => ({ prefix, input })))
  .sort((one, other) => other.prefix.length - one.prefix.length);

for (const input of slots) {
  const said = input.parentElement.querySelector("[data-said]");
  input.addEventListener("input", () => {
    const text = input.value.trim();
    const kind = text && kinds.find(({ prefix }) => text.startsWith(prefix));
    if (!text) said.textContent = "";
    else if (!kind) said.textContent = "This does not look like a key that is known; it is tried all the same.";
    else if (kind.input === input) said.textContent = `This looks right: ${input.dataset.label}.`;
    else said.textContent = `This looks like another key: ${kind.input.dataset.label}. It will be put there.`;
  });
}

const shown = document.getElementById("shown");
if (shown?.dataset.listener) {
  const listener = shown.dataset.mode === "popup" ? opener : parent;
  // To that one origin: a browser keeps the message back from any other.
  const tell = (what) => listener?.postMessage({ from: "portico", ...what }, shown.dataset.listener);
  tell({ outcome: shown.dataset.outcome && JSON.parse(shown.dataset.outcome) });
  const close = () => tell({ close: true });
  document.querySelector("[data-close]")?.addEventListener("click", close);
  addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}
