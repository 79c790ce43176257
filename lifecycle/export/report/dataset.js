// Draws the charts of a page of a data set beside its tables.
"use strict";
(() => {
  const { charts, font, element, digits, short, amount, unitFor, wattHours, legend, chart, phases, start } = common;
  const wh = 3600; // J
  // On a logarithmic axis, ticks are powers of ten in one unit that suits most.
  const energyTick = (v) => { const [size, unit] = unitFor(v * wh, wattHours); return `${short((v * wh) / size)} ${unit}`; };

  // tens are the powers of ten within a domain, at most n of them, with twice and
  // five times each where there is room.
  const tens = ([low, high], n) => {
    const all = d3.range(Math.ceil(Math.log10(low)), Math.floor(Math.log10(high)) + 1).map((k) => 10 ** k);
    const more = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))).flatMap((k) => [1, 2, 5].map((m) => m * 10 ** k)).filter((x) => x >= low && x <= high);
    if (all.length > 1 && more.length > n) return all.filter((_, i) => i % Math.ceil(all.length / n) === 0);
    return more.length > 1 ? more : d3.ticks(low, high, 3);
  };

  // boxes are how energy is distributed: lines hold nine of ten runs, boxes half.
  const boxes = (box, rows) => {
    const low = Math.min(...rows.map((d) => d.p5)) / wh, high = Math.max(...rows.map((d) => d.p95)) / wh;
    const domain = [low / 1.3, high * 1.3];
    return (width) => box.replaceChildren(chart(width, `Energy of a run. ${rows.map((d) => `${d.name}: median ${d.label}`).join("; ")}.`, {
      height: 44 * rows.length + 40, marginLeft: 10, marginRight: 14, marginTop: 4, marginBottom: 34,
      x: { type: "log", domain, label: null, axis: null }, y: { domain: rows.map((d) => d.name), axis: null, padding: 0.2 },
      marks: [
        Plot.gridX({ ticks: tens(domain, width >= 560 ? 8 : 4) }),
        Plot.ruleY(rows, { x1: (d) => d.p5 / wh, x2: (d) => d.p95 / wh, y: "name", stroke: "currentColor", strokeWidth: 1.5, dy: 9 }),
        Plot.barX(rows, { x1: (d) => d.p25 / wh, x2: (d) => d.p75 / wh, y: "name", fill: "var(--training)", insetTop: 19, insetBottom: 1 }),
        Plot.tickX(rows, { x: (d) => d.p50 / wh, y: "name", stroke: "#000", strokeWidth: 2.5, insetTop: 19, insetBottom: 1 }),
        Plot.text(rows, { frameAnchor: "left", y: "name", text: (d) => `${cut(d, width)}: ${d.label}`, textAnchor: "start", dy: -8, fill: "currentColor", fontSize: font }),
        Plot.axisX({ label: null, fontSize: font, ticks: tens(domain, width >= 560 ? 8 : 4), tickFormat: energyTick, color: "currentColor" }),
      ],
    }));
  };
  // cut shortens a name to what a chart has room for beside its figures.
  const cut = (d, width) => { const n = Math.max(12, Math.floor(width / 6.2) - d.label.length - 5); return d.name.length > n ? `${d.name.slice(0, n - 1)}…` : d.name; };

  // months are what the runs of each used, and what the typical one did.
  const months = (box, rows) => {
    const most = Math.max(...rows.map((d) => d.high ?? d.value));
    const [size, unit] = unitFor(most, wattHours);
    const typical = rows.filter((d) => d.median);
    const span = [Math.min(...typical.map((d) => d.p25)) / wh / 1.3, (Math.max(...typical.map((d) => d.p75)) / wh) * 1.3];
    return (width) => {
      const every = Math.ceil(rows.length / Math.max(2, Math.floor(width / 76)));
      const shown = rows.filter((_, i) => i % every === 0).map((d) => d.month);
      const x = { type: "band", domain: rows.map((d) => d.month), label: null, axis: null, padding: 0.15 };
      const axis = () => Plot.axisX({ ticks: shown, tickSize: 3, fontSize: font, label: null, color: "currentColor" });
      const margins = { marginLeft: 58, marginRight: 12, marginTop: 8, marginBottom: 28 };
      box.replaceChildren(
        element("p", {}, `Energy of all runs by month, in ${unit}; the lines are 95 % intervals`),
        chart(width, `Energy by month. ${rows.map((d) => `${d.month}: ${amount(d.value, wattHours)}`).join("; ")}.`, {
          ...margins, height: 220, x, y: { domain: [0, most / size], label: null, axis: null },
          marks: [
            Plot.gridY({ ticks: 5 }),
            Plot.barY(rows, { x: "month", y: (d) => d.value / size, fill: "var(--training)" }),
            Plot.ruleX(rows.filter((d) => d.high), { x: "month", y1: (d) => d.low / size, y2: (d) => d.high / size, stroke: "currentColor", strokeWidth: 1.5 }),
            Plot.axisY({ fontSize: font, label: null, ticks: 5, tickFormat: short, color: "currentColor" }), Plot.ruleY([0], { stroke: "currentColor" }), axis(),
          ],
        }),
        ...(typical.length ? [
          element("p", {}, "Energy of the median run of each month; half of the runs are within the lines"),
          chart(width, `Energy of the median run by month. ${typical.map((d) => `${d.month}: ${amount(d.median, wattHours)}`).join("; ")}.`, {
            ...margins, height: 200, x, y: { type: "log", domain: span, label: null, axis: null },
            marks: [
              Plot.gridY({ ticks: tens(span, 5) }),
              Plot.ruleX(typical, { x: "month", y1: (d) => d.p25 / wh, y2: (d) => d.p75 / wh, stroke: "currentColor", strokeWidth: 1.5 }),
              Plot.dot(typical, { x: "month", y: (d) => d.median / wh, r: 4, fill: "var(--inference)", stroke: "currentColor" }),
              Plot.axisY({ fontSize: font, label: null, ticks: tens(span, 5), tickFormat: energyTick, color: "currentColor" }), axis(),
            ],
          }),
        ] : []));
    };
  };

  // front are runs by what they are worth and what they cost.
  const front = (box, f) => {
    const dots = (list) => list.map(([j, v], i) => ({ x: j / wh, y: v, i }));
    const best = dots(f.front), others = dots(f.others);
    const [low, high] = d3.extent(best.concat(others), (d) => d.x);
    const domain = [low / 1.5, high * 1.5];
    const [worst, finest] = d3.extent(best.concat(others), (d) => d.y);
    const most = Math.max(Math.abs(worst), Math.abs(finest));
    const same = finest - worst < 1e-5 * most; // but for rounding
    const alike = !same && finest - worst < 0.02 * most; // three digits would not tell them apart
    const y = same ? { domain: [worst - 0.01 * most, finest + 0.01 * most] } : { nice: true };
    return (width) => box.replaceChildren(
      legend([["nothing beats it", "var(--inference)"], ["beaten", "var(--unassigned)"], ...(f.knee >= 0 ? [["the knee", "var(--production)"]] : [])]),
      element("p", {}, `${f.metric}, by the energy of the run`),
      chart(width, `${f.metric} by energy. Nothing beats ${best.length} runs, from ${digits(best[0].y)} for ${amount(best[0].x * wh, wattHours)} to ${digits(best[best.length - 1].y)} for ${amount(best[best.length - 1].x * wh, wattHours)}; the table below lists them.`, {
        height: Math.max(260, Math.min(380, width * 0.5)), marginLeft: alike ? 70 : 50, marginRight: 14, marginTop: 10, marginBottom: 30,
        x: { type: "log", domain, label: null, axis: null }, y: { label: null, axis: null, ...y },
        marks: [
          Plot.gridX({ ticks: tens(domain, width >= 560 ? 8 : 4) }), Plot.gridY({ ticks: 6 }),
          Plot.dot(others, { x: "x", y: "y", r: 2.5, fill: "var(--unassigned)", fillOpacity: 0.6 }),
          Plot.line(best, { x: "x", y: "y", curve: "step-after", stroke: "var(--inference)", strokeWidth: 1.5 }),
          Plot.dot(best, { x: "x", y: "y", r: 4, fill: (d) => (d.i === f.knee ? "var(--production)" : "var(--inference)"), stroke: "currentColor" }),
          Plot.axisX({ label: null, fontSize: font, ticks: tens(domain, width >= 560 ? 8 : 4), tickFormat: energyTick, color: "currentColor" }),
          Plot.axisY({ label: null, fontSize: font, ticks: 6, tickFormat: alike ? undefined : short, color: "currentColor" }),
        ],
      }));
  };

  const draws = {
    phases: (box) => charts.phases.some((d) => d.value !== undefined) && phases(box, charts.phases),
    boxes: (box) => { const rows = charts.boxes[box.dataset.index]; return rows.length > 0 && boxes(box, rows); },
    months: (box) => charts.months.length > 0 && months(box, charts.months),
    front: (box) => charts.front && front(box, charts.front),
  };
  const all = [];
  for (const box of document.querySelectorAll("[data-chart]")) {
    const draw = draws[box.dataset.chart](box);
    if (draw) all.push({ box, draw });
  }
  start(all);
})();
