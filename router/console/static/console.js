// What the console's pages do beside htmx: follow the page's stream, keep times true, logs. Every page works for
// reading without it.
(() => {
  "use strict";
  const body = document.body;
  const POLL_MS = 10000, RETRY_MS = 5000, STREAM_AGAIN_MS = 60000, LINES_MOST = 5000;

  // --- fragments: elements with data-live name the topics that they show something of. All that a change touches come
  // in one answer. What failed is asked for again: nothing that was reported is left as it was. ---
  const state = document.getElementById("live_state");
  const pending = new Map();  // address → ids that wait while its request runs
  const failed = new Set();  // addresses

  async function refresh(address, ids) {
    const waiting = pending.get(address);
    if (waiting) { ids.forEach((id) => waiting.add(id)); return; }
    pending.set(address, new Set());
    failed.delete(address);
    const present = ids.filter((id) => document.getElementById(id));
    const selectOOB = present.map((id) => `#${CSS.escape(id)}:outerMorph`).join(",");
    if (present.length) {
      await htmx.ajax("GET", address, {source: state, target: state, swap: "none", selectOOB, headers: {"HX-Fragments": present.join(" ")}});
    }
    const again = pending.get(address);
    pending.delete(address);
    if (failed.has(address)) setTimeout(() => refresh(address, [...present, ...again]), RETRY_MS);
    else if (again.size) refresh(address, [...again]);
  }

  for (const name of ["htmx:error", "htmx:response:error"]) {
    state.addEventListener(name, (event) => { if (event.detail.ctx) failed.add(event.detail.ctx.request.action); });
  }

  // Rows stay where they are read, whatever their order is by now: what is gone is marked, and leaves its place to what
  // is new. Who wants the order that the address asks for loads the page again.
  const reorder = document.getElementById("reorder");
  reorder.addEventListener("click", () => location.reload());

  function keepPlaces(fresh) {
    const shown = document.getElementById(fresh.id);
    if (!shown) return;
    const came = [...fresh.children], rows = new Map(came.map((row) => [row.id, row]));
    const added = came.filter((row) => !shown.querySelector(`#${CSS.escape(row.id)}`));
    const places = [...shown.children].map((row) => rows.get(row.id) || added.shift() || marked(row));
    places.push(...added);
    const stays = places.filter((row) => rows.has(row.id));
    reorder.hidden = stays.every((row, at) => row === came[at]);
    fresh.replaceChildren(...places);
  }

  function marked(row) {
    const gone = row.cloneNode(true);
    gone.classList.add("gone");
    gone.setAttribute("aria-disabled", "true");
    return gone;
  }

  state.addEventListener("htmx:before:swap", (event) => {
    for (const {fragment} of event.detail.tasks) fragment.querySelectorAll("[data-stays]").forEach(keepPlaces);
  });

  function changed(topics) {
    const all = topics.includes("*"), here = location.pathname + location.search, found = new Map();
    for (const element of document.querySelectorAll("[data-live]")) {
      if (!all && !element.dataset.live.split(" ").some((topic) => topics.includes(topic))) continue;
      const address = element.dataset.src || here;
      found.set(address, [...(found.get(address) || []), element.id]);
    }
    for (const [address, ids] of found) refresh(address, ids);
  }

  // --- figures that change all the time, as use and requests: an element with data-every is asked for again after so
  // many seconds, while somebody looks ---
  const due = new Map();  // id → when
  setInterval(() => {
    if (document.hidden) return;
    const found = new Map(), now = Date.now();
    for (const element of document.querySelectorAll("[data-every]")) {
      const every = element.dataset.every * 1000;
      if (!due.has(element.id)) due.set(element.id, now + every);
      if (now < due.get(element.id)) continue;
      due.set(element.id, now + every);
      const address = element.dataset.src || location.pathname + location.search;
      found.set(address, [...(found.get(address) || []), element.id]);
    }
    for (const [address, ids] of found) refresh(address, ids);
  }, 1000);

  // --- figures that edges count: the stream writes them into the cells with their names. What came while an older
  // answer was on its way is written again. ---
  const figures = new Map();  // name → its text, and when it came

  function write(since) {
    for (const cell of document.querySelectorAll("[data-figure]")) {
      const known = figures.get(cell.dataset.figure);
      if (known && known.at >= since && cell.textContent !== known.text) cell.textContent = known.text;
    }
  }

  function shownFigures() {
    const shown = {app: new Set(), replica: new Set()};
    for (const cell of document.querySelectorAll("[data-figure]")) {
      const [kind, name] = cell.dataset.figure.split("/");
      shown[kind].add(name);
    }
    return {shown_apps: [...shown.app].join(), shown_replicas: [...shown.replica].join()};
  }

  document.addEventListener("htmx:before:request", (event) => { if (event.detail.ctx) event.detail.ctx.asked = performance.now(); });
  document.addEventListener("htmx:after:swap", (event) => write(event.detail.ctx?.asked ?? 0));

  // --- the stream ---
  let source = null, last = body.dataset.liveSince || "", polling = 0, again = 0, failures = 0, followed = "";

  function say(text) { if (state.textContent !== text) state.textContent = text; }

  function open() {
    close();
    const url = new URL(body.dataset.liveUrl, location.href);
    url.searchParams.set("since", last);
    const shown = shownFigures();
    followed = JSON.stringify(shown);
    for (const [name, text] of Object.entries(shown)) if (text) url.searchParams.set(name, text);
    source = new EventSource(url);
    source.addEventListener("open", () => { failures = 0; stopPolling(); say(""); });
    source.addEventListener("changed", (event) => { last = event.lastEventId; changed(JSON.parse(event.data)); });
    source.addEventListener("figures", (event) => {
      const at = performance.now();
      for (const [name, text] of Object.entries(JSON.parse(event.data))) figures.set(name, {text, at});
      write(at);
    });
    source.addEventListener("line", (event) => { last = event.lastEventId || last; logs.line(event); });
    source.addEventListener("notice", (event) => logs.notice(JSON.parse(event.data)));
    source.addEventListener("end", () => logs.ended());
    source.addEventListener("error", () => {
      failures += 1;
      if (source.readyState === EventSource.CLOSED || failures > 3) { close(); poll(); }
      else say(body.dataset.stale);
    });
  }

  function close() { if (source) source.close(); source = null; clearTimeout(again); }

  function poll() {
    say(body.dataset.polls);
    if (!polling) polling = setInterval(() => changed(["*"]), POLL_MS);
    again = setTimeout(open, STREAM_AGAIN_MS);
  }

  function stopPolling() { clearInterval(polling); polling = 0; }

  if (body.dataset.liveUrl && window.EventSource) {
    open();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { close(); stopPolling(); } else if (!source) open();
    });
    window.addEventListener("pagehide", close);
    setInterval(() => { if (source && JSON.stringify(shownFigures()) !== followed) open(); }, 1000);
  }

  // --- times ---
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  function ago(moment) {
    const passed = (Date.now() - Date.parse(moment)) / 1000;
    for (const [size, unit] of UNITS) {
      if (Math.abs(passed) >= size) {
        const many = Math.trunc(Math.abs(passed) / size);
        return passed > 0 ? `${many} ${unit} ago` : `in ${many} ${unit}`;
      }
    }
    return "just now";
  }
  setInterval(() => {
    for (const each of document.querySelectorAll("time[data-ago]")) {
      const text = ago(each.dateTime);
      if (each.textContent !== text) each.textContent = text;
    }
  }, 1000);

  // --- logs ---
  const logs = (() => {
    const view = document.getElementById("log");
    const seen = new Set();
    const search = document.getElementById("log_search");
    const counted = document.getElementById("log_found");
    let found = [], at = -1;
    // Control sequences (ECMA-48), as slipway/core/text/control_sequences.py removes them.
    const CONTROLS = new RegExp("(?:\\x1b[P\\]X^_]|[\\x90\\x9d\\x98\\x9e\\x9f])[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?"
      + "|(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?|\\x1b[ -/]*[0-~]?|[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]", "g");
    const ERROR = /\b(error|exception|traceback|fatal|panic|failed)\b/i;

    function isAtEnd() { return view.scrollHeight - view.scrollTop - view.clientHeight < 40; }

    function append(text, from, className) {
      if (!view) return;
      const stays = isAtEnd();
      const row = document.createElement("div");
      if (from) {
        const who = document.createElement("span");
        who.className = "from";
        who.textContent = `${from}  `;
        row.append(who);
      }
      row.append(text);
      if (className) row.className = className;
      if (ERROR.test(text)) row.classList.add("is-error");
      view.append(row);
      while (view.childElementCount > LINES_MOST) view.firstElementChild.remove();
      if (stays) view.scrollTop = view.scrollHeight;
    }

    function line(event) {
      const key = event.lastEventId + event.data;
      if (!view || seen.has(key)) return;
      if (seen.size === 0) view.replaceChildren();  // the stream sends again what the page came with
      seen.add(key);
      if (!view.dataset.replicas) { append(event.data); return; }
      const {replica, line: printed} = JSON.parse(event.data);
      const space = printed.indexOf(" ");
      append(printed.slice(space + 1).replace(CONTROLS, ""), `${printed.slice(11, 19)} ${replica}`);
    }

    function mark() {
      const words = search.value.toLowerCase();
      found = [];
      for (const row of view.children) {
        const matches = words !== "" && row.textContent.toLowerCase().includes(words);
        row.classList.toggle("found", matches);
        row.classList.remove("current");
        if (matches) found.push(row);
      }
      at = -1;
      counted.textContent = words === "" ? "" : String(found.length);
    }

    function go(rows, step) {
      if (rows.length === 0) return;
      at = (at + step + rows.length) % rows.length;
      for (const row of view.querySelectorAll(".current")) row.classList.remove("current");
      rows[at].classList.add("current");
      rows[at].scrollIntoView({block: "center"});
    }

    if (view) {
      for (const row of view.children) if (ERROR.test(row.textContent)) row.classList.add("is-error");
      view.scrollTop = view.scrollHeight;
      search?.addEventListener("input", mark);
      search?.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { event.preventDefault(); go(found, event.shiftKey ? -1 : 1); }
      });
      document.getElementById("log_error")?.addEventListener("click", () => go([...view.querySelectorAll(".is-error")], 1));
    }
    return {line, notice: (said) => append(said.text, said.replica, "notice-line"), ended: () => view?.classList.add("ended")};
  })();

  // --- forms and tabs ---
  for (const here of document.querySelectorAll(".tabs [aria-current], .main-links [aria-current]")) {
    here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 2 + here.clientWidth / 2;
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-sends]")) event.target.form.requestSubmit();
  });
})();
