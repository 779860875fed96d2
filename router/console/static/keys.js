// The keys of every page, and the search over apps, pages and acts that `/` opens. Without it all is reached by links.
(() => {
  "use strict";
  const palette = document.getElementById("palette"), keys = document.getElementById("keys");
  if (!palette) return;  // nobody is signed in

  // --- the search: a field with a list below it. The field keeps the focus; the arrow keys choose a row. ---
  const words = document.getElementById("palette_words"), list = document.getElementById("palette_found");
  const said = document.getElementById("palette_said"), opener = document.querySelector("[data-palette]");
  const WAIT_MS = 120;
  let options = [], at = 0, waits = 0, asking = null;

  function choose(place) {
    options[at]?.setAttribute("aria-selected", "false");
    at = options.length ? (place + options.length) % options.length : 0;
    const chosen = options[at];
    if (!chosen) { words.removeAttribute("aria-activedescendant"); return; }
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({block: "nearest"});
    words.setAttribute("aria-activedescendant", chosen.id);
  }

  function show(text) {
    const answered = new DOMParser().parseFromString(text, "text/html");
    options = [...answered.querySelectorAll(".finds a")];
    options.forEach((option, place) => {
      option.id = `palette_${place}`;
      option.tabIndex = -1;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
    });
    list.replaceChildren(...options);
    said.textContent = [...answered.querySelectorAll("p")].map((each) => each.textContent).join(" ");
    choose(0);
  }

  async function ask() {
    asking?.abort();
    const mine = asking = new AbortController(), address = new URL(opener.href);
    address.searchParams.set("q", words.value);
    try {
      const headers = {"HX-Request": "true", "HX-Fragments": "found"};
      const answer = await fetch(address, {headers, signal: mine.signal});
      const leadsTo = answer.headers.get("HX-Redirect");
      if (leadsTo) { location.assign(leadsTo); return; }
      if (!answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      if (asking === mine) show(text);
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = list.dataset.failed;
    }
  }

  function openPalette() {
    if (palette.open) return;
    keys.close();
    words.value = "";
    palette.showModal();
    words.focus();
    ask();
  }

  words.addEventListener("input", () => { clearTimeout(waits); waits = setTimeout(ask, WAIT_MS); });
  words.addEventListener("keydown", (event) => {
    const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5};
    if (steps[event.key]) { event.preventDefault(); choose(at + steps[event.key]); }
    else if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); options[at]?.click(); }
    else if (event.key === "Escape") { event.preventDefault(); palette.close(); }
  });
  // An act on this very page changes the address's fragment alone.
  list.addEventListener("click", (event) => { if (event.target.closest("a")) palette.close(); });
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  });
  for (const dialog of [palette, keys]) {
    dialog.addEventListener("click", ({target}) => { if (target === dialog || target.matches("[data-closes]")) dialog.close(); });
  }
  for (const each of document.querySelectorAll("[data-opens]")) {
    each.addEventListener("click", () => document.getElementById(each.dataset.opens).showModal());
  }

  // --- single keys: who speaks to the browser, or has a hand that trembles, switches them off ---
  const single = document.getElementById("keys_single"), STORED = "slipway.single-keys";
  single.checked = localStorage.getItem(STORED) !== "off";
  single.addEventListener("change", () => localStorage.setItem(STORED, single.checked ? "on" : "off"));

  const LEADS_MS = 1500;
  let leads = 0;
  const ACTS = {
    "/": openPalette,
    "?": () => keys.showModal(),
    f: () => { const search = document.querySelector("[data-search]"); search?.focus(); search?.select(); },
    g: () => { leads = Date.now(); },
  };
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") { event.preventDefault(); openPalette(); return; }
    if (!single.checked || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return;
    const led = Date.now() - leads < LEADS_MS;
    leads = 0;
    const link = led && document.querySelector(`.main-links a[data-key="${CSS.escape(event.key)}"]`);
    const act = link ? () => link.click() : Object.hasOwn(ACTS, event.key) && ACTS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
