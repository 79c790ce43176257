// What the scripts of all pages have in common. Without them a page is whole.
"use strict";
const common = (() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const root = document.documentElement;
  const font = "12px";
  const colour = (phase) => `var(--${["production", "training", "inference", "use", "end-of-life"].includes(phase) ? phase : "unassigned"})`;
  const element = (tag, properties, ...children) => {
    const e = Object.assign(document.createElement(tag), properties);
    e.append(...children);
    return e;
  };
  // digits is as the tables write numbers: three that count.
  const digits = (v) => (v === 0 ? "0" : v >= 999.5 ? String(Number(v.toPrecision(3))) : v.toPrecision(3));
  const short = (v) => (v === 0 ? "0" : String(Number(v.toPrecision(3)))); // of ticks
  const amount = (v, units) => { const [size, unit] = unitFor(v, units); return `${digits(v / size)}\u00a0${unit}`; };
  const unitFor = (v, units) => { const u = units.find((u) => v >= u.size * 0.9995) ?? units[units.length - 1]; return [u.size, u.name]; };
  const { watts, grams, wattHours } = charts.units;
  const times = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"]].map(([size, name]) => ({ size, name }));

  // The theme: that of the system until the reader asks for the other.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  system.addEventListener("change", name);
  name();

  const legend = (entries) => element("ul", { className: "legend" }, ...entries.map(([text, fill]) => {
    const swatch = element("i");
    swatch.style.background = fill;
    swatch.ariaHidden = "true";
    return element("li", {}, swatch, text);
  }));

  // chart is one of Plot, with the options that all have in common. It is a
  // picture to a screen reader: the table below it says the same.
  const chart = (width, label, options) => {
    const svg = Plot.plot({ className: "plot", width, style: { fontSize: font, background: "none" }, ...options });
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    for (const e of svg.querySelectorAll("[aria-label], [aria-hidden]")) { e.removeAttribute("aria-label"); e.removeAttribute("aria-hidden"); }
    return svg;
  };

  // ranges are bars from zero with their 95 % interval, and what they are in
  // words; what is unknown is said, and has no bar.
  const ranges = (width, rows, { unit, size, label, names, fill, height }) => {
    const most = Math.max(...rows.map((d) => d.high ?? 0)) / size || 1;
    const wide = width >= 560;
    const at = (v) => v / size;
    const known = rows.filter((d) => d.value !== undefined);
    return chart(width, label, {
      height: height * rows.length + 42,
      marginLeft: wide ? 100 : names ? 8 : 28, marginRight: wide ? 12 : 8, marginTop: 4, marginBottom: 34,
      x: { domain: [0, most * (wide ? 1.55 : 1.02)], label: null, ticks: wide ? 6 : 4, grid: true },
      y: { domain: rows.map((d) => d.name), label: null, axis: null, padding: 0.3 },
      marks: [
        Plot.barX(known, { x1: 0, x2: (d) => at(d.value), y: "name", fill, insetTop: wide ? 0 : names ? 14 : 12 }),
        Plot.link(known, { x1: (d) => at(d.low), x2: (d) => at(d.high), y: "name", stroke: "currentColor", strokeWidth: 1.5, dy: wide ? 0 : 7 }),
        Plot.tickX(known.flatMap((d) => [{ ...d, end: d.low }, { ...d, end: d.high }]), { x: (d) => at(d.end), y: "name", stroke: "currentColor", strokeWidth: 1.5, insetTop: wide ? 6 : 18, insetBottom: wide ? 6 : 4 }),
        wide
          ? Plot.text(rows, { x: (d) => at(d.high ?? 0), y: "name", text: "label", textAnchor: "start", dx: 8, fill: "currentColor", fontStyle: "normal", fontSize: font })
          : Plot.text(rows, { frameAnchor: "left", y: "name", text: (d) => (names ? `${d.name}: ${d.label}` : d.label), textAnchor: "start", dx: 0, dy: names ? -11 : -9, fill: "currentColor", fontSize: font }),
        wide || !names ? Plot.axisY({ tickSize: 0, fontSize: font, label: null, tickFormat: String }) : null,
        Plot.ruleX([0], { stroke: "currentColor" }),
        Plot.axisX({ label: unit, labelArrow: "none", labelAnchor: "right", fontSize: font, ticks: wide ? 6 : 4, tickFormat: short, color: "currentColor" }),
      ],
    });
  };

  // phases are bars of what each phase of the life cycle emits.
  const phases = (box, bars) => {
    const most = Math.max(...bars.map((d) => d.value ?? 0));
    const [size, unit] = unitFor(most, grams);
    const rows = bars.map((d) => ({ ...d, name: d.phase }));
    return (width) => box.replaceChildren(
      element("p", {}, "Emissions by phase; the lines are 95 % intervals. What is unknown has no bar, which is not zero."),
      ranges(width, rows, { unit, size, names: true, height: 44, fill: (d) => colour(d.phase), label: `Emissions by phase of the life cycle. ${rows.map((d) => `${d.name}: ${d.label}`).join("; ")}.` }));
  };

  // start draws charts, each for the width that it has, and again when that
  // changes; all are {box, draw}.
  const start = (all) => {
    for (const c of all) { c.box.hidden = false; c.width = 0; }
    const paper = 680; // pixels of CSS that a sheet has at least
    let printing = false;
    const redraw = () => {
      for (const c of all) {
        const width = printing ? paper : Math.floor(c.box.clientWidth);
        if (width > 0 && width !== c.width) { c.width = width; c.draw(width); }
      }
    };
    let waiting;
    new ResizeObserver(() => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => redraw()); }).observe(document.querySelector("main"));
    redraw();

    // Only what scrolls needs a place in the order of the keyboard.
    const reach = () => { for (const t of document.querySelectorAll(".table")) t.tabIndex = t.scrollWidth > t.clientWidth ? 0 : -1; };
    new ResizeObserver(reach).observe(document.body);

    // On paper nothing is folded away, and charts are as wide as the paper.
    let folded = [];
    addEventListener("beforeprint", () => { folded = [...document.querySelectorAll("details.long:not([open])")]; for (const d of folded) d.open = true; printing = true; redraw(); });
    addEventListener("afterprint", () => { for (const d of folded) d.open = false; printing = false; redraw(); });
    root.dataset.drawn = "yes";
  };

  return { charts, font, colour, element, digits, short, amount, unitFor, watts, grams, wattHours, times, legend, chart, ranges, phases, start };
})();
