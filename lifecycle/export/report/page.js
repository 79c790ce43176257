// Draws the charts of a page of runs beside its tables.
"use strict";
(() => {
  const { charts, font, colour, element, digits, short, amount, unitFor, watts, grams, wattHours, times, legend, chart, ranges, phases, start } = common;

  const comparison = (box, contrasts) => (width) => box.replaceChildren(...contrasts.map((c) => {
    const rows = c.bars.map((d) => ({ ...d, name: d.run }));
    const columns = Math.max(1, Math.floor((width + 32) / (352 + 32)));
    const each = Math.floor((width - 32 * (Math.min(columns, contrasts.length) - 1)) / Math.min(columns, contrasts.length));
    return element("div", {}, element("p", {}, c.figure),
      ranges(Math.min(each, 540), rows, { unit: c.unit, size: 1, names: false, height: 40, fill: (d, i) => (d.name === "A" ? "var(--unassigned)" : "var(--training)"), label: `${c.figure}. ${rows.map((d) => `${d.name}: ${d.label}`).join("; ")}.` }));
  }));

  const parts = [["spans", "var(--training)"], ["no span", "var(--production)"], ["other runs", "var(--use)"], ["other programs", "var(--other)"], ["idle", "var(--idle)"]];
  const ledger = (box, run) => {
    const total = new Map();
    for (const d of run.ledger) total.set(d.domain, (total.get(d.domain) ?? 0) + d.value);
    const most = Math.max(...total.values());
    const [size, unit] = unitFor(most, wattHours);
    const used = parts.filter(([part]) => run.ledger.some((d) => d.part === part));
    const domains = [...total.keys()];
    return (width) => box.replaceChildren(
      legend(used),
      chart(width, `What became of the joules of each domain: ${domains.map((d) => `${d} ${amount(total.get(d), wattHours)}`).join(", ")}.`, {
        height: 38 * domains.length + 42, marginLeft: 8, marginRight: 12, marginTop: 4, marginBottom: 34,
        x: { label: null, axis: null },
        y: { domain: domains, axis: null, padding: 0.15 },
        color: { domain: parts.map((p) => p[0]), range: parts.map((p) => p[1]) },
        marks: [
          Plot.barX(run.ledger, Plot.stackX({ x: (d) => d.value / size, y: "domain", fill: "part", order: parts.map((p) => p[0]), insetTop: 15, insetRight: 0.5, stroke: "var(--quiet)", strokeWidth: 0.5 })),
          Plot.text(domains, { frameAnchor: "left", y: (d) => d, text: (d) => `${d}: ${amount(total.get(d), wattHours)}`, textAnchor: "start", dy: -10, fill: "currentColor", fontSize: font }),
          Plot.axisX({ label: unit, labelArrow: "none", fontSize: font, ticks: width >= 560 ? 6 : 4, tickFormat: short, color: "currentColor" }),
        ],
      }));
  };

  const power = (box, run) => {
    const p = run.power;
    const [second, timeUnit] = unitFor(p.end / 3, times);
    const sums = p.series[0].watts.map((_, i) => p.series.reduce((sum, s) => sum + s.watts[i], 0));
    const [size, unit] = unitFor(Math.max(...sums), watts);
    const fill = new Map(p.series.map((s, i) => [s.name, `var(--s${i % 6})`]));
    const points = p.series.flatMap((s) => s.watts.concat(s.watts.slice(-1)).map((w, i) => ({ name: s.name, t: (i * p.step) / second, w: w / size })));
    const spells = p.stages.map((s) => ({ ...s, from: s.from / second, to: Math.min(s.to, p.end) / second }));
    const spans = d3.rollups(spells, (list) => ({ from: d3.min(list, (s) => s.from), to: d3.max(list, (s) => s.to) }), (s) => s.phase).filter(([phase]) => phase !== "unassigned");
    const x = { domain: [0, p.end / second], label: null };
    const margins = { marginLeft: 44, marginRight: 12 };
    return (width) => box.replaceChildren(
      legend(p.series.map((s) => [s.name, fill.get(s.name)])),
      element("p", {}, `Power in ${unit}, stacked`),
      chart(width, `Power over time, stacked: ${p.series.map((s) => s.name).join(", ")}. The highest step is ${digits(Math.max(...sums) / size)} ${unit} in all.`, {
        ...margins, height: Math.max(180, Math.min(280, width * 0.4)), marginTop: 8, marginBottom: spells.length ? 4 : 34, x: { ...x, axis: null }, y: { label: null, grid: true },
        color: { domain: [...fill.keys()], range: [...fill.values()] },
        marks: [
          Plot.rectX(spans, { x1: (d) => d[1].from, x2: (d) => d[1].to, fill: (d) => colour(d[0]), fillOpacity: 0.16 }),
          Plot.areaY(points, { x: "t", y: "w", z: "name", fill: "name", curve: "step-after", order: [...fill.keys()], stroke: "var(--ground)", strokeWidth: 0.75 }),
          Plot.axisY({ fontSize: font, label: null, ticks: 5, tickFormat: short, color: "currentColor" }),
          Plot.ruleX(spans.flatMap((d) => [d[1].from, d[1].to]).filter((t) => t > x.domain[1] / 500 && t < x.domain[1] * 0.998), { stroke: "currentColor", strokeWidth: 1, strokeDasharray: "2,3" }),
          Plot.ruleY([0], { stroke: "currentColor" }),
          spells.length ? null : Plot.axisX({ fontSize: font, label: timeUnit, labelArrow: "none", ticks: width >= 560 ? 8 : 4, tickFormat: short, color: "currentColor" }),
        ],
      }),
      ...(spells.length ? [chart(width, `When each stage ran: ${p.stages.map((s) => `${s.stage} from ${digits(s.from)} s to ${digits(s.to)} s`).join(", ")}.`, {
        ...margins, height: 22 * spells.length + 40, marginTop: 2, marginBottom: 34, x: { ...x, axis: null }, y: { axis: null, domain: spells.map((_, i) => i), padding: 0.12 },
        marks: [
          Plot.barX(spells, { x1: "from", x2: "to", y: (_, i) => i, fill: (d) => colour(d.phase) }),
          Plot.text(spells, { x: (d) => (d.from > x.domain[1] / 2 ? d.to : d.from), y: (_, i) => i, text: "stage", textAnchor: "start", dx: 4, fill: "#000", fontSize: "11px", filter: (d) => d.from <= x.domain[1] / 2 && d.to - d.from > x.domain[1] / 3 }),
          Plot.text(spells, { x: "to", y: (_, i) => i, text: "stage", textAnchor: "start", dx: 4, fill: "currentColor", fontSize: "11px", filter: (d) => !(d.from <= x.domain[1] / 2 && d.to - d.from > x.domain[1] / 3) && d.to <= x.domain[1] / 2 }),
          Plot.text(spells, { x: "from", y: (_, i) => i, text: "stage", textAnchor: "end", dx: -4, fill: "currentColor", fontSize: "11px", filter: (d) => !(d.from <= x.domain[1] / 2 && d.to - d.from > x.domain[1] / 3) && d.to > x.domain[1] / 2 }),
          Plot.axisX({ fontSize: font, label: timeUnit, labelArrow: "none", ticks: width >= 560 ? 8 : 4, tickFormat: short, color: "currentColor" }),
        ],
      })] : []));
  };

  // flame is the energy flame graph. Its frames are a tree to a screen reader and
  // to the keyboard: arrows go about, Enter zooms, Escape zooms out.
  const flame = (box, run) => {
    const cell = 24;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const said = element("output", {});
    const out = element("button", { type: "button", textContent: "Zoom out" });
    const all = element("button", { type: "button", textContent: "All that the meters told" });
    const graph = element("div", { className: "graph" });
    const hint = element("p", {}, "Each bar is a path of spans, as wide as its energy; below it are the spans within. Click one, or focus it and press Enter, to zoom in; arrow keys go about.");
    const used = [...new Set(run.stages.map((s) => s.phase))].filter((phase) => run.stages.some((s) => s.phase === phase && s.stage !== "unassigned" && s.phase !== "unassigned"));
    const rest = [["no stage", "var(--unassigned)", "unassigned", "no span active"], ["other programs and runs", "var(--other)", "other programs", "other runs"], ["idle", "var(--idle)", "idle"]]
      .filter(([, , ...stages]) => run.stages.some((s) => stages.includes(s.stage)));
    box.replaceChildren(hint, legend([...used.map((phase) => [phase, colour(phase)]), ...rest]), element("div", { className: "controls" }, out, all), graph, said);
    // The frames come by columns, a parent before its children.
    const plant = () => {
      const f = run.flame;
      const nodes = f.names.map((name, i) => ({ name, value: f.values[i], stage: f.stages[i], count: f.counts[i], smaller: f.smaller[i], children: [] }));
      nodes.forEach((n, i) => { if (i) nodes[f.parents[i]].children.push(n); });
      for (const n of nodes) n.self = Math.max(0, n.value - d3.sum(n.children, (c) => c.value));
      return nodes[0];
    };
    const most = run.flame.values[0], mine = run.flame.values[1];
    const share = (v, of) => `${digits((100 * v) / of)} %`;
    const outside = new Set(["all", "other programs", "other runs", "idle", "this run"]);
    const fill = (d) => {
      const s = run.stages[d.data.stage];
      return s.stage === "idle" ? "var(--idle)" : outside.has(s.stage) ? "var(--other)" : colour(s.phase);
    };
    const text = (d) => {
      const parts = [`${d.data.name}: ${amount(d.data.value, wattHours)}`, `${share(d.data.value, most)} of all that the meters told`];
      if (d.depth > 1 && d.ancestors().some((a) => a.data.name === "this run" && a.depth === 1)) parts.push(`${share(d.data.value, mine)} of the run`);
      if (d.data.smaller) parts.push("paths that are too small to be shown apart");
      else if (d.data.count) parts.push(`own ${share(d.data.self, d.data.value || 1)}`, `${d.data.count} spans`);
      const s = run.stages[d.data.stage].stage;
      if (s.includes("/")) parts.push(s);
      return parts.join(" · ");
    };
    const silent = Object.assign(() => {}, { show() {}, hide() {} }); // what it would tell is told below
    let view, tree, at, width;
    const visible = () => d3.select(graph).selectAll(".frame").filter((d) => d.value > 0 && (d.x1 - d.x0) * width > 1);
    const nodeOf = (d) => visible().filter((o) => o === d).node();
    // dress names the frames and leaves one of them in the order of the keyboard.
    const dress = () => {
      const frames = d3.select(graph).selectAll(".frame");
      const shown = new Set(visible().data());
      frames.attr("role", "treeitem").attr("aria-label", text).attr("aria-level", (d) => d.depth + 1)
        .attr("aria-hidden", (d) => (shown.has(d) ? null : "true")).attr("aria-selected", (d) => (d === at ? "true" : "false"))
        .attr("tabindex", (d) => (d === focused ? 0 : -1))
        .classed("plain", (d) => outside.has(run.stages[d.data.stage].stage));
      out.disabled = at === tree;
      all.disabled = at === tree;
    };
    let focused;
    const zoom = (d, focus) => {
      at = d;
      focused = d;
      view.zoomTo(d);
      dress();
      if (focus) nodeOf(d)?.focus();
      said.textContent = text(d);
    };
    const go = (d) => {
      if (!d) return;
      const node = nodeOf(d);
      if (!node) return;
      focused = d;
      dress();
      node.focus();
    };
    const beside = (d, by) => {
      const list = (d.parent?.children ?? []).filter(nodeOf).sort((a, b) => a.x0 - b.x0);
      return list[list.indexOf(d) + by];
    };
    graph.addEventListener("keydown", (event) => {
      const d = d3.select(event.target).datum();
      const on = { ArrowUp: () => go(d.parent), ArrowDown: () => go((d.children ?? []).find(nodeOf)), ArrowLeft: () => go(beside(d, -1)), ArrowRight: () => go(beside(d, 1)), Home: () => go(tree),
        Enter: () => zoom(d, true), " ": () => zoom(d, true), Escape: () => zoom(at.parent ?? tree, true) }[event.key];
      if (!d?.data || !on) return;
      event.preventDefault();
      on();
    });
    graph.addEventListener("focusin", (event) => { const d = d3.select(event.target).datum(); if (d?.data) said.textContent = text(d); });
    out.addEventListener("click", () => zoom(at.parent ?? tree));
    all.addEventListener("click", () => zoom(tree));
    return (w) => {
      const where = [];
      for (let d = at; d?.parent; d = d.parent) where.unshift(d.parent.children.indexOf(d));
      width = w;
      graph.replaceChildren();
      view = flamegraph.default().width(width).cellHeight(cell).inverted(true).sort(false).minFrameSize(1)
        .transitionDuration(still ? 0 : 150).selfValue(false)
        .tooltip(silent).setColorMapper(fill).label(text).onClick((d) => { at = focused = d; dress(); said.textContent = text(d); }).onHover((d) => { said.textContent = text(d); });
      view.setDetailsHandler(() => {});
      const data = plant();
      const selection = d3.select(graph).datum(data);
      view.height(cell * depth(data) + 2);
      selection.call(view);
      tree = selection.datum();
      graph.querySelector("svg > text.title")?.remove();
      const svg = graph.querySelector("svg");
      svg.setAttribute("role", "tree");
      svg.setAttribute("aria-label", "Energy flame graph: the table below it tells the same");
      let d = at ? where.reduce((n, i) => n.children[i], tree) : tree.children[0];
      zoom(d, false);
    };
  };
  const depth = (f) => 1 + Math.max(0, ...(f.children ?? []).map(depth));

  const kinds = { phases: (run) => run.phases.some((d) => d.value !== undefined), flame: (run) => run.flame, power: (run) => run.power, ledger: (run) => run.ledger?.length };
  const draws = { phases: (box, run) => phases(box, run.phases), flame, power, ledger };
  const all = [];
  for (const box of document.querySelectorAll("[data-chart]")) {
    const kind = box.dataset.chart;
    let draw;
    if (kind === "comparison") {
      draw = charts.comparison?.length ? comparison(box, charts.comparison) : null;
    } else {
      const run = charts.runs[box.closest("[data-run]").dataset.run];
      draw = kinds[kind](run) ? draws[kind](box, run) : null;
    }
    if (!draw) continue;
    all.push({ box, draw });
  }
  start(all);
})();
