"use strict";

// charts draws what the page's data holds into the page's figures, and again when the
// figure's width, the colours or the medium change. It changes the element's styles as
// properties only: the page's policy allows no style attribute.
const charts = (() => {
  const narrow = 420; // px of a figure; under it there is less room for an axis
  const seconds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400]; // between marks
  const sharp = 2; // times as large a chart is drawn that is to be printed
  const all = [];
  let printing = false;

  // colour is what a custom property of the style sheet is at this moment.
  const probe = document.createElement("span");
  function colour(name) {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  }
  const shade = (i) => `s${i % 8}`;

  function number(v) {
    if (v === null || v === undefined) return "–";
    const size = Math.abs(v);
    const places = Number.isInteger(v) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.995 ? 2 : 3;
    return v.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: places });
  }

  // took is a latency as an axis has it.
  const took = (ms) => (ms >= 1000 ? `${number(+(ms / 1000).toPrecision(3))} s` : `${number(ms)} ms`);

  // decades are the marks of a logarithmic axis.
  function decades(min, max) {
    const marks = [];
    for (let d = Math.floor(Math.log10(min)); d <= Math.ceil(Math.log10(max)); d++) {
      for (const m of max / min > 150 ? [1] : [1, 2, 5]) marks.push(Number(`${m}e${d}`));
    }
    return marks.filter((v) => v >= min * 0.999 && v <= max * 1.001);
  }

  const percent = (oneIn) => `${+(100 * (1 - 1 / oneIn)).toPrecision(oneIn < 100 ? 3 : 12).slice(0, 9)} %`;
  const where = (chart, x) => (chart.kind === "ladder" ? percent(x) : `${number(x)} ${chart.x}`);

  // patterns tell the steps of a ladder apart without their colours.
  const patterns = [[], [10, 3], [2, 3], [10, 3, 2, 3]];
  const patternOf = (chart, s, i) => (s.dash ? [6, 4] : chart.series.length > 2 && chart.kind === "ladder" ? patterns[i % 4] : []);

  // shown are the series of a chart that its reader has not put away.
  const shown = (plot) => plot.chart.series.map((s, i) => ({ ...s, index: i })).filter((s) => !plot.away.has(s.index));

  // layers are what uPlot draws: of a stack the sums, the highest first, so that each
  // leaves of the one before it what is its own.
  function layers(plot) {
    const { chart } = plot;
    if (chart.kind === "heat") return [{ name: "", values: chart.at.map(() => chart.edges[0]), index: 0 }];
    if (chart.kind !== "stack") {
      const lowest = plot.log ? 0 : -Infinity;
      return shown(plot)
        .sort((a, b) => Number(a.dash ?? false) - Number(b.dash ?? false)) // what is dashed lets what is under it be seen
        .map((s) => ({ ...s, values: s.values.map((v) => (v !== null && v > lowest ? v : null)) }));
    }
    const below = chart.at.map(() => 0);
    return shown(plot)
      .map((s) => ({ ...s, values: s.values.map((v, i) => (below[i] += v)) }))
      .reverse();
  }

  function seriesOf(plot, layer, k) {
    const { chart } = plot;
    const base = { label: layer.name, scale: "y" };
    if (chart.kind === "heat") return { ...base, paths: () => null, points: { show: false } };
    const ink = colour(shade(layer.index));
    if (chart.kind === "stack") {
      return { ...base, fill: ink, stroke: colour("paper"), width: k / 2, points: { show: false }, paths: uPlot.paths.bars({ size: [0.9, 60 * k] }) };
    }
    const points = { size: 5 * k, width: k, fill: ink };
    if (chart.kind === "ladder") points.show = false;
    return { ...base, stroke: ink, width: 2 * k, dash: patternOf(chart, layer, layer.index).map((v) => v * k), points };
  }

  function axes(plot, k, width) {
    const { chart } = plot;
    const small = width / k < narrow;
    const font = `${(small ? 11 : 12) * k}px system-ui, sans-serif`;
    const base = {
      font, labelFont: font, labelSize: 20 * k, gap: 5 * k, labelGap: 0,
      stroke: colour("soft"),
      grid: { stroke: colour("line"), width: k },
      ticks: { stroke: colour("line"), width: k, size: 6 * k },
    };
    const x = { ...base, scale: "x", incrs: seconds, size: 34 * k, space: 50 * k, label: chart.kind === "ladder" ? "percentile" : "seconds since the start" };
    if (chart.kind === "ladder") {
      x.splits = (u) => [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((v) => v <= u.scales.x.max && !(small && v === 1));
      x.values = (u, at) => at.map((v) => percent(v));
      x.filter = (u, at) => at;
    }
    const y = { ...base, scale: "y", size: 56 * k, space: 28 * k };
    const write = chart.unit === "ms" ? took : number;
    if (chart.unit === "ms") y.size = 62 * k;
    else y.label = chart.unit;
    y.values = (u, at) => at.map((v) => (v === null ? "" : write(v)));
    if (plot.log) {
      y.splits = (u) => decades(u.scales.y.min, u.scales.y.max);
      y.filter = (u, at) => at;
    }
    if (chart.kind === "heat") {
      y.splits = () => chart.edges;
      y.filter = (u, at) => at.map((v, i) => ((at.length - 1 - i) % (at.length > 10 ? 2 : 1) ? null : v));
    }
    return [x, y];
  }

  // range is what a y axis spans: from 0 on a linear one, a little more than there is on a
  // logarithmic one.
  function range(plot) {
    if (plot.chart.kind === "heat") return () => [plot.chart.edges[0], plot.chart.edges.at(-1)];
    if (plot.log) return (u, min, max) => (min === null ? [1, 10] : [min / 1.5, max * 1.5]);
    return (u, min, max) => [0, uPlot.rangeNum(0, max > 0 ? max : 1, 0.1, true)[1]];
  }

  function scales(plot) {
    const { chart } = plot;
    const heat = chart.kind === "heat";
    const step = chart.at.length > 1 ? chart.at[1] - chart.at[0] : chart.at[0] || 1;
    const last = chart.at.at(-1);
    let x = { time: false, range: () => [Math.max(0, chart.at[0] - step), last + (chart.kind === "stack" ? step / 2 : 0)] };
    if (chart.kind === "ladder") x = { time: false, distr: 3, range: () => [1, Math.max(last, 10)] };
    return { x, y: { distr: plot.log || heat ? 3 : 1, log: heat ? 2 : 10, range: range(plot) } };
  }

  // warmup greys what was not judged.
  function warmup(u, chart, k) {
    if (!chart.warmup) return;
    const { ctx, bbox } = u;
    const to = Math.min(u.valToPos(chart.warmup, "x", true), bbox.left + bbox.width);
    ctx.save();
    ctx.fillStyle = colour("shade");
    ctx.fillRect(bbox.left, bbox.top, to - bbox.left, bbox.height);
    ctx.restore();
  }

  // glow paints the cells of a heat map; the more bills, the stronger, by their logarithm.
  function glow(u, chart) {
    const most = Math.max(1, ...chart.series.flatMap((s) => s.values));
    const { ctx } = u;
    ctx.save();
    ctx.fillStyle = colour("heat");
    chart.series.forEach((s, row) => {
      const top = Math.round(u.valToPos(chart.edges[row + 1], "y", true));
      const bottom = Math.round(u.valToPos(chart.edges[row], "y", true));
      s.values.forEach((v, i) => {
        if (!v) return;
        const left = Math.round(u.valToPos(i ? chart.at[i - 1] : u.scales.x.min, "x", true));
        const right = Math.round(u.valToPos(chart.at[i], "x", true));
        ctx.globalAlpha = 0.08 + 0.92 * (Math.log1p(v) / Math.log1p(most));
        ctx.fillRect(left, top, Math.max(1, right - left), bottom - top);
      });
    });
    ctx.restore();
  }

  // read tells the values under the cursor.
  function read(plot, u) {
    const { chart, out } = plot;
    const { idx, top } = u.cursor;
    if (idx === null || idx === undefined) {
      out.textContent = "";
      return;
    }
    let parts = shown(plot).map((s) => `${s.name} ${number(s.values[idx])}`);
    if (chart.kind === "heat") {
      const at = u.posToVal(top, "y");
      const row = chart.edges.findLastIndex((edge) => edge <= at);
      parts = chart.series.filter((s, i) => (plot.keyed ? s.values[idx] : i === row)).map((s) => `${s.name}: ${number(s.values[idx])}`);
    }
    out.textContent = `${where(chart, chart.at[idx])}: ${parts.join(" · ")}`;
  }

  // paper is the width of a printed figure: two fit side by side.
  const paper = (chart) => (chart.wide ? 670 : 325);

  // draw makes a plot anew, at the width that its figure has.
  function draw(plot) {
    const { chart, box } = plot;
    const k = printing ? sharp : 1;
    const width = printing ? paper(chart) * k : box.clientWidth;
    if (!width) return;
    plot.width = box.clientWidth;
    plot.u?.destroy();
    const of = layers(plot);
    plot.u = new uPlot(
      {
        width, height: (chart.wide ? 320 : printing ? 180 : 240) * k,
        padding: [10 * k, (chart.kind === "ladder" ? 24 : 14) * k, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: chart.kind === "heat", points: { show: chart.kind !== "heat" && chart.kind !== "stack" } },
        scales: scales(plot), axes: axes(plot, k, width),
        series: [{}, ...of.map((layer) => seriesOf(plot, layer, k))],
        hooks: {
          drawClear: [(u) => warmup(u, chart, k)],
          draw: [(u) => chart.kind === "heat" && glow(u, chart)],
          setCursor: [(u) => read(plot, u)],
        },
      },
      [chart.at, ...of.map((layer) => layer.values)],
      box,
    );
  }

  // swatch shows how a series is drawn.
  function swatch(chart, s, i) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "swatch");
    svg.setAttribute("aria-hidden", "true");
    svg.style.color = `var(--${shade(i)})`;
    const shape = document.createElementNS(svg.namespaceURI, "path");
    shape.setAttribute("d", "M0 6H28");
    shape.setAttribute("stroke", "currentColor");
    shape.setAttribute("stroke-width", chart.kind === "stack" ? "12" : "3");
    shape.setAttribute("stroke-dasharray", patternOf(chart, s, i).join(" "));
    svg.append(shape);
    return svg;
  }

  // legend lists the series; where there are several, each can be put away.
  function legend(plot) {
    const { chart, figure } = plot;
    const list = figure.querySelector(".legend");
    if (chart.kind === "heat") return;
    chart.series.forEach((s, i) => {
      const item = document.createElement("li");
      const entry = document.createElement(chart.series.length > 1 ? "button" : "span");
      entry.append(swatch(chart, s, i), s.name);
      if (entry instanceof HTMLButtonElement) {
        entry.type = "button";
        entry.setAttribute("aria-pressed", "true");
        entry.addEventListener("click", () => {
          const away = !plot.away.delete(i) && plot.away.add(i);
          entry.setAttribute("aria-pressed", String(!away));
          draw(plot);
        });
      }
      item.append(entry);
      list.append(item);
    });
  }

  // keys move the cursor from point to point.
  function keys(plot) {
    plot.box.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (!by) return;
      event.preventDefault();
      const { u, chart } = plot;
      const last = chart.at.length - 1;
      const next = Math.min(last, Math.max(0, (u.cursor.idx ?? (by > 0 ? -1 : last + 1)) + by));
      plot.keyed = true;
      u.setCursor({ left: u.valToPos(chart.at[next], "x"), top: u.bbox.height / 2 / devicePixelRatio });
      plot.keyed = false;
    });
  }

  // points is the table of what is drawn.
  function points(plot) {
    const { chart } = plot;
    const table = document.createElement("table");
    table.createCaption().textContent = `${chart.title} (${chart.kind === "heat" ? "bills" : chart.unit})`;
    const head = table.createTHead().insertRow();
    for (const name of [chart.kind === "ladder" ? "percentile" : "seconds", ...chart.series.map((s) => s.name)]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name;
      head.append(cell);
    }
    const body = table.createTBody();
    chart.at.forEach((x, i) => {
      const row = body.insertRow();
      const cell = document.createElement("th");
      cell.scope = "row";
      cell.textContent = chart.kind === "ladder" ? percent(x) : number(x);
      row.append(cell);
      for (const s of chart.series) row.insertCell().textContent = number(s.values[i]);
    });
    return table;
  }

  function start(chart) {
    const figure = document.getElementById(`chart-${chart.id}`);
    const plot = { chart, figure, box: figure.querySelector(".plot"), out: figure.querySelector("output"), away: new Set(), log: Boolean(chart.log) };
    all.push(plot);
    legend(plot);
    keys(plot);
    figure.querySelector("input.log")?.addEventListener("change", (event) => {
      plot.log = event.target.checked;
      draw(plot);
    });
    const details = figure.querySelector("details");
    details.addEventListener("toggle", () => details.querySelector("table") || details.querySelector(".scroll").append(points(plot)));
    draw(plot);
    new ResizeObserver(() => !printing && plot.width !== plot.box.clientWidth && draw(plot)).observe(plot.box);
  }

  const redraw = () => all.forEach(draw);

  // print redraws in the colours of paper, before the browser takes its picture.
  function print(on) {
    if (printing === on) return;
    printing = on;
    document.documentElement.toggleAttribute("data-printing", on);
    redraw();
  }

  document.body.append(probe);
  probe.hidden = true;
  JSON.parse(document.getElementById("charts-data").textContent).forEach(start);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", (event) => print(event.matches));
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  return { redraw };
})();
