// Draws the charts of a page from the figures that stand in it as tables: a chart names its figures' element, which has
// the times and, at each column's heading, the values. Where a value is missing the line is interrupted.
(() => {
  "use strict";
  const drawn = new Map();  // element of the chart → {plot, said}
  const UNITS = {
    rate: (value) => value < 10 ? value.toFixed(value < 1 ? 2 : 1) : Math.round(value).toLocaleString("en"),
    number: (value) => value.toFixed(2),
    ms: (value) => value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`,
    bytes: (value) => {
      for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) if (value >= size) return `${(value / size).toFixed(1)} ${unit}`;
      return `${Math.round(value)} B`;
    },
  };

  // The day at midnight, else the time of day; UTC, as in the figures.
  function moment(seconds) {
    const at = new Date(seconds * 1000), time = at.toISOString().slice(11, 16);
    return time === "00:00" ? at.toLocaleDateString("en-GB", {day: "numeric", month: "short", timeZone: "UTC"}) : time;
  }

  function figures(element) {
    const columns = [...element.querySelectorAll("th[data-values]")];
    const numbers = (text) => text === "" ? [] : text.split(",").map((each) => each === "" ? null : Number(each));
    return {
      said: element.dataset.times + columns.map((each) => each.dataset.values).join(";"),
      names: columns.map((each) => each.textContent),
      data: [numbers(element.dataset.times), ...columns.map((each) => numbers(each.dataset.values))],
      write: UNITS[element.dataset.unit],
    };
  }

  function options(host, names, write) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {stroke: colour("--quiet"), font: "11px system-ui", ticks: {show: false}, grid: {stroke: colour("--line"), width: 1}};
    return {
      width: host.clientWidth, height: host.clientHeight - 28, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: {y: false, points: {size: 6}}, legend: {live: true}, padding: [8, 20, 0, 0],
      scales: {y: {range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1]}},
      axes: [{...axis, size: 24, grid: {show: false}, space: 60, values: (_plot, values) => values.map(moment)}, {...axis, size: 58, values: (_plot, values) => values.map(write)}],
      series: [
        {label: "", value: (_plot, seconds) => seconds === null || seconds === undefined ? "" : moment(seconds)},
        ...names.map((label, at) => ({
          label, stroke: colour(`--chart-${at + 1}`), width: 1.75, dash: at === 0 ? [] : at === 1 ? [6, 3] : [2, 3],
          fill: names.length === 1 ? `${colour("--chart-1")}22` : undefined,
          spanGaps: false, value: (_plot, value) => value === null || value === undefined ? "–" : write(value),
        })),
      ],
    };
  }

  function draw(host) {
    const element = document.getElementById(host.dataset.chart);
    if (!element) return;
    const {said, names, data, write} = figures(element), known = drawn.get(host);
    if (known && known.said === said) return;
    if (known && known.plot.series.length === data.length) known.plot.setData(data);
    else {
      known?.plot.destroy();
      drawn.set(host, {plot: new uPlot(options(host, names, write), data, host)});
      resized.observe(host);
    }
    drawn.get(host).said = said;
  }

  const resized = new ResizeObserver((entries) => {
    for (const {target} of entries) drawn.get(target)?.plot.setSize({width: target.clientWidth, height: target.clientHeight - 28});
  });
  const hosts = () => document.querySelectorAll("[data-chart]");
  function all() { for (const host of hosts()) draw(host); }
  function anew() {
    for (const {plot} of drawn.values()) plot.destroy();
    drawn.clear();
    all();
  }

  all();
  // What came anew is drawn anew; so is everything in other colours, and in another width.
  let waits = 0;
  new MutationObserver(() => { cancelAnimationFrame(waits); waits = requestAnimationFrame(all); })
    .observe(document.getElementById("content"), {subtree: true, attributes: true, attributeFilter: ["data-values", "data-times"], childList: true});
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
  // A link to a chart's figures opens them.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#data_"]');
    const element = link && document.getElementById(link.hash.slice(1));
    if (element) element.open = true;
  });
})();
