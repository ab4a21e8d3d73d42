// What the admin pages do on top of being pages: copy, preview while typing, send once, fetch what takes long. Nothing depends on it.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.label ??= [...button.childNodes];
  const text = document.getElementById(button.dataset.copy).textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected";
  }
  button.setAttribute("aria-live", "polite");
  setTimeout(() => button.replaceChildren(...label), 2000);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented || "again" in (event.submitter?.dataset ?? {})) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
});

// On a phone the menu is one line: show the part of it that one is in.
for (const here of document.querySelectorAll(".side > ul [aria-current]")) {
  const list = here.closest("ul");
  list.scrollLeft = here.offsetLeft - list.offsetLeft - (list.clientWidth - here.offsetWidth) / 2;
}

// What the keyboard reaches there is seen whole.
document.addEventListener("focusin", (event) => {
  if (event.target.closest(".side > ul")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

for (const form of document.querySelectorAll("form[data-preview]")) {
  const place = document.getElementById(form.dataset.preview);
  let waiting = 0;
  let latest = 0;
  const look = async () => {
    const mine = ++latest;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("do", "preview");
    fields.set("part", "1");
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" });
      const text = await answer.text();
      if (mine === latest && answer.headers.get("x-portico-part")) place.innerHTML = text;
    } catch {
      // The button of the form shows the same.
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 250);
  });
}

// What takes long stands on the page once it is there; the link beside it does the same.
for (const note of document.querySelectorAll("[data-whole]")) {
  fetch(note.dataset.whole, { credentials: "same-origin" })
    .then(async (answer) => {
      const whole = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("content");
      if (answer.ok && whole) document.getElementById("content").replaceWith(document.adoptNode(whole));
    })
    .catch(() => {});
}

for (const file of document.querySelectorAll("input[type=file][data-into]")) {
  file.addEventListener("change", () => {
    const into = document.getElementById(file.dataset.into);
    into.value = "";
    if (!file.files.length) return;
    const reader = new FileReader();
    reader.onload = () => { into.value = reader.result; };
    reader.readAsDataURL(file.files[0]);
  });
}
