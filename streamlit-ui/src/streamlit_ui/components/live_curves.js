// The curves of live runs: several panels over the same epochs, redrawn in place whenever there is more data.
//
// `data`: run, title, file, planned, dashes; runs: [{name, colour, epoch: [...], <measure>: [...]}], the first is the one watched;
// panels: [{title, large, log, lines: [{measure, name, dashed}]}]; marks: [{epoch, label, colour, said: [...]}];
// best: {epoch, measure} or null; changes, colour: how many are among the marks, and theirs. Every text goes into the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const LARGE = 240, SMALL = 130, LEFT = 52, RIGHT = 10, TOP = 20, BOTTOM = 24;
const NARROW = 560, NEAR = 7, SHARP = 2;

function make(tag, attributes = {}, text = null, space = null) {
  const made = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}

const shape = (tag, attributes, text = null) => make(tag, attributes, text, SVG);

function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

// The marks of an axis at round numbers; of a logarithmic one at powers of ten, and between them if there are few.
function ticks(low, high, wanted, log) {
  if (log) {
    const found = [];
    const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high));
    const every = Math.max(1, Math.ceil((to - from) / wanted));
    for (let power = from; power <= to; power += every)
      for (const factor of to - from <= 2 ? [1, 2, 5] : [1]) found.push(factor * 10 ** power);
    return found.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  }
  const raw = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const found = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place++)
    found.push(Number((place * step).toPrecision(12)));
  return found;
}

// The end of the axis of epochs: it grows in a few large steps, so that the curves do not creep all the time.
function reach(last, planned) {
  for (let power = 10; ; power *= 10)
    for (const end of [power, 2 * power, 5 * power])
      if (end >= last) return planned >= last ? Math.min(end, Math.max(planned, 1)) : end;
}

class Curves {
  constructor(root) {
    this.root = make("div", {class: "curves"});
    this.head = make("div", {class: "head"});
    this.grid = make("div", {class: "panels"});
    this.hover = make("div", {class: "hover", role: "status", hidden: ""});
    this.root.append(this.head, this.grid, this.hover);
    root.append(this.root);
    this.panels = [];
    this.at = null; // what the pointer is at: {panel, x, y} in the pixels of that panel
    this.sizes = new ResizeObserver(() => this.data && this.draw());
    this.sizes.observe(this.root);
  }

  show(data) {
    this.data = data;
    this.draw();
  }

  draw() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.root.classList.toggle("narrow", width < NARROW);
    this.showHead();
    while (this.panels.length > this.data.panels.length) this.panels.pop().frame.remove();
    while (this.panels.length < this.data.panels.length) this.addPanel();
    const style = getComputedStyle(this.root);
    this.ink = style.getPropertyValue("--st-text-color").trim() || style.color;
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    this.line = style.getPropertyValue("--st-border-color").trim() || "#cccccc";
    this.panels.forEach((panel, place) => this.drawPanel(panel, this.data.panels[place]));
    this.point();
  }

  showHead() {
    const said = JSON.stringify([this.data.file, this.data.runs.map((run) => [run.name, run.colour]), this.data.dashes]);
    if (said === this.said) return; // a button that is made anew loses its focus
    this.said = said;
    const legend = this.data.runs.map((run) => {
      const entry = make("span", {class: "run"});
      entry.append(make("i", {style: `background:${run.colour}`}), make("span", {}, run.name));
      return entry;
    });
    const png = make("button", {type: "button", title: "Save these curves as a picture"}, "PNG");
    png.onclick = () => this.save();
    const href = `live-epochs/${encodeURIComponent(this.data.run)}`, download = `${this.data.file}.csv`;
    const csv = make("a", {href, download, title: "Save what was measured after every epoch of this run"}, "CSV");
    const files = make("span", {class: "files"});
    files.append(csv, png);
    this.head.replaceChildren(...legend, make("span", {class: "dash"}, this.data.dashes), files);
  }

  addPanel() {
    const panel = {frame: make("div"), title: make("h4"), svg: shape("svg", {tabindex: 0, role: "img"})};
    panel.drawn = shape("g", {});
    panel.over = shape("g", {"pointer-events": "none"});
    panel.svg.append(panel.drawn, panel.over);
    panel.frame.append(panel.title, panel.svg);
    const follow = (event) => {
      const box = panel.svg.getBoundingClientRect();
      this.at = {panel, x: event.clientX - box.left, y: event.clientY - box.top};
      this.point();
    };
    panel.svg.addEventListener("pointermove", follow);
    panel.svg.addEventListener("pointerdown", follow);
    panel.svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.leave());
    panel.svg.addEventListener("blur", () => this.leave());
    panel.svg.addEventListener("keydown", (event) => this.step(panel, event));
    this.grid.append(panel.frame);
    this.panels.push(panel);
  }

  drawPanel(panel, about) {
    panel.about = about;
    panel.frame.className = about.large ? "panel large" : "panel";
    panel.title.textContent = about.title;
    const width = panel.frame.clientWidth, height = about.large ? LARGE : SMALL;
    const lines = this.data.runs.flatMap((run) =>
      about.lines.map((line) => ({...line, run, values: run[line.measure] ?? []})));
    const usable = (value) => value !== null && (!about.log || value > 0);
    const values = lines.flatMap((line) => line.values).filter(usable);
    panel.svg.setAttribute("height", height);
    panel.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    panel.svg.setAttribute("aria-label", `${about.title}: ${about.said}`);
    const ends = [...this.data.runs.map((run) => run.epoch.at(-1) ?? 0), ...this.data.marks.map((mark) => mark.epoch)];
    const to = reach(Math.max(...ends, 1), this.data.planned);
    let low = values.length ? Math.min(...values) : about.log ? 0.1 : 0, high = values.length ? Math.max(...values) : 1;
    if (low === high) [low, high] = about.log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) * 0.1, high + (Math.abs(high) || 1) * 0.1];
    const margin = about.log ? (high / low) ** 0.05 : (high - low) * 0.05;
    [low, high] = about.log ? [low / margin, high * margin] : [low - margin, high + margin];
    const scale = about.log ? Math.log10 : (value) => value;
    panel.x = (epoch) => LEFT + (epoch / to) * (width - LEFT - RIGHT);
    panel.epoch = (x) => ((x - LEFT) / (width - LEFT - RIGHT)) * to;
    panel.y = (value) => TOP + (1 - (scale(value) - scale(low)) / (scale(high) - scale(low))) * (height - TOP - BOTTOM);
    Object.assign(panel, {lines, usable, width, height});
    panel.drawn.replaceChildren(
      ...this.axes(panel, ticks(low, high, about.large ? 5 : 3, about.log), ticks(0, to, width < 300 ? 4 : 6, false)),
      ...this.rules(panel), ...lines.map((line) => this.path(panel, line)).reverse(), ...this.bestPoint(panel));
  }

  axes({width, height, x, y}, across, along) {
    const text = {fill: this.ink, "fill-opacity": 0.7, "font-size": 11, "font-family": "sans-serif"};
    return [
      shape("rect", {x: 0, y: 0, width, height, fill: "transparent"}),
      ...across.flatMap((tick) => [
        shape("line", {x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), stroke: this.line}),
        shape("text", {...text, x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end"}, number(tick)),
      ]),
      ...along.map((tick) => shape("text", {...text, x: x(tick), y: height - 8, "text-anchor": "middle"}, number(tick))),
    ];
  }

  rules({x, height}) {
    let free = -Infinity; // a label that would touch the one before it is left to the pointer
    return this.data.marks.flatMap(({epoch, label, colour}) => {
      const place = x(epoch), rule = {x1: place, x2: place, y1: TOP - 4, y2: height - BOTTOM, stroke: colour};
      const drawn = [shape("line", {...rule, "stroke-width": 1.5, class: "mark"})];
      const text = {x: place, y: TOP - 7, fill: colour, "font-size": 11, "font-weight": 600, "text-anchor": "middle"};
      if (place - 4 * label.length < free) return drawn;
      free = place + 4 * label.length + 2;
      return [...drawn, shape("text", {...text, "font-family": "sans-serif"}, label)];
    });
  }

  path({x, y, usable}, {run, values, dashed}) {
    let drawn = "", open = false;
    values.forEach((value, place) => {
      if (!usable(value)) { open = false; return; }
      drawn += `${open ? "L" : "M"}${x(run.epoch[place]).toFixed(1)} ${y(value).toFixed(1)}`;
      if (!open && !usable(values[place + 1] ?? null)) drawn += "h0.1"; // one epoch alone is a dot
      open = true;
    });
    const style = {fill: "none", stroke: run.colour, "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round"};
    return shape("path", {d: drawn, ...style, ...(dashed ? {"stroke-dasharray": "3 4", "stroke-width": 1.5} : {})});
  }

  bestPoint({about, lines, x, y, usable}) {
    const best = this.data.best;
    if (!best || !about.lines.some((line) => line.measure === best.measure) || !usable(best.value)) return [];
    return [shape("circle", {cx: x(best.epoch), cy: y(best.value), r: 5, fill: this.paper, stroke: lines[0].run.colour, "stroke-width": 2})];
  }

  // Show the values of the epoch that is nearest to the pointer, in every panel, and say those of the panel it is on.
  point() {
    for (const panel of this.panels) panel.over.replaceChildren();
    const watched = this.data?.runs[0];
    this.hover.hidden = !this.at || !this.data.runs.some((run) => run.epoch.length);
    if (this.hover.hidden) return;
    const {panel, x, y} = this.at, wanted = panel.epoch(x);
    const every = watched.epoch.length ? watched.epoch : this.data.runs.find((run) => run.epoch.length).epoch;
    const epoch = every.reduce((near, one) => (Math.abs(one - wanted) < Math.abs(near - wanted) ? one : near));
    for (const other of this.panels) {
      const place = other.x(epoch), ends = {y1: TOP, y2: other.height - BOTTOM};
      other.over.append(shape("line", {x1: place, x2: place, ...ends, stroke: this.ink, "stroke-opacity": 0.35}));
      for (const {run, values} of other.lines) {
        const value = values[run.epoch.indexOf(epoch)] ?? null;
        if (other.usable(value)) other.over.append(shape("circle", {cx: place, cy: other.y(value), r: 3.5, fill: run.colour}));
      }
    }
    const marks = this.data.marks.filter((mark) => Math.abs(panel.x(mark.epoch) - x) <= NEAR || mark.epoch === epoch);
    this.hover.replaceChildren(make("b", {}, `Epoch ${epoch}`), ...panel.lines.map((line) => this.entry(line, epoch)),
      ...marks.flatMap((mark) => mark.said.map((said) => make("p", {}, said))));
    const frame = this.root.getBoundingClientRect(), box = panel.svg.getBoundingClientRect();
    const left = box.left - frame.left + x, room = this.root.clientWidth, wide = this.hover.offsetWidth;
    this.hover.style.left = `${Math.max(0, Math.min(left + 14 + wide > room ? left - 14 - wide : left + 14, room - wide))}px`;
    this.hover.style.top = `${box.top - frame.top + Math.min(y, panel.height / 2)}px`;
  }

  entry({run, values, name}, epoch) {
    const line = make("div"), several = this.data.runs.length > 1;
    line.append(make("i", {style: `background:${run.colour}`}), make("span", {}, several ? `${run.name}, ${name}` : name),
      make("span", {}, number(values[run.epoch.indexOf(epoch)])));
    return line;
  }

  step(panel, event) {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key], every = this.data.runs[0].epoch;
    if (event.key === "Escape") this.leave();
    if (!move || !every.length) return;
    event.preventDefault();
    const epoch = this.at ? panel.epoch(this.at.x) : every.at(-1) + 1;
    const near = every.reduce((best, one, place) => (Math.abs(one - epoch) < Math.abs(every[best] - epoch) ? place : best), 0);
    const place = this.at ? Math.min(Math.max(near + move, 0), every.length - 1) : every.length - 1;
    this.at = {panel, x: panel.x(every[place]), y: TOP};
    this.point();
  }

  leave() {
    this.at = null;
    this.point();
  }

  // Save every panel, below the legend, as one picture.
  async save() {
    const gap = 16, title = 46, width = this.root.clientWidth, top = this.grid.getBoundingClientRect();
    const canvas = make("canvas", {width: (width + 2 * gap) * SHARP, height: (top.height + title + 2 * gap) * SHARP});
    const paint = canvas.getContext("2d");
    paint.scale(SHARP, SHARP);
    paint.fillStyle = this.paper;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    const write = (text, x, y, font, colour) => Object.assign(paint, {font, fillStyle: colour}).fillText(text, x, y);
    write(this.data.title, gap, gap + 12, "600 14px sans-serif", this.ink);
    let along = gap;
    for (const run of [...this.data.runs, {name: this.data.dashes, colour: this.ink}]) {
      write(run.name, along, gap + 34, "12px sans-serif", run.colour);
      along += paint.measureText(run.name).width + 18;
    }
    for (const {svg, about, width: wide, height} of this.panels) {
      const box = svg.getBoundingClientRect(), x = gap + box.left - top.left, y = gap + title + box.top - top.top;
      write(about.title, x, y - 4, "600 12px sans-serif", this.ink);
      const copy = svg.cloneNode(true), picture = new Image();
      for (const [name, value] of Object.entries({xmlns: SVG, width: wide, height})) copy.setAttribute(name, value);
      picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
      await picture.decode();
      paint.drawImage(picture, x, y, wide, height);
    }
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    const link = make("a", {href: URL.createObjectURL(blob), download: `${this.data.file}.png`});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a slow disk still reads it
  }
}

// This frame is sent once; what it draws comes from another component twice a second, which is small
// (`live_data.js`), and sooner from the stream of events that follow `after`, unless the run is over. They meet
// at `window.loopkeeperLive`: the last data, and who draws them.
export default ({data: {run, after}, parentElement}) => {
  const meeting = (window.loopkeeperLive ??= {data: null, draw: null});
  if (meeting.root !== parentElement) {
    const curves = new Curves(parentElement);
    const stream = after === null ? null : new Stream(run, after, () => draw(meeting.data));
    const draw = (data) => data?.run === run && curves.show(stream ? stream.onto(data) : data);
    Object.assign(meeting, {root: parentElement, curves, stream, draw});
    draw(meeting.data);
  }
  const {curves, stream} = meeting;
  return () => {
    stream?.close();
    curves.sizes.disconnect();
    curves.root.remove();
    if (meeting.curves === curves) Object.assign(meeting, {root: null, curves: null, stream: null, draw: null});
  };
};
