/* The map of the codes: points by regl-scatterplot (WebGL), or fewer of them on a canvas; pointer, touch and keys. */

import { make } from "./show.js";

const MOST_ON_CANVAS = 5000;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const TAP = 6; // pixels that a click may move
const CELL = 38; // pixels of a picture on the map
const MARGIN = 0.3; // of the map, that the canvas of the points has on each side
const MOST_SCALE = 1.5; // by which that canvas is scaled before the points are drawn again
const REST = 150; // milliseconds without a movement, after which the points are drawn again

/** Points on a canvas with a margin around the map. The canvas moves with the map, which takes much less time than to
    draw the points: they are drawn again when the map rests, and before the canvas does not suffice. */
class Points {
  resize(width, height) {
    Object.assign(this, { width, height, asked: undefined });
    const margins = [width, height].map((length) => Math.round(MARGIN * length));
    this.lengths = [width + 2 * margins[0], height + 2 * margins[1]];
    setSize(this.canvas, ...this.lengths);
    Object.assign(this.canvas.style, { left: `${-margins[0]}px`, top: `${-margins[1]}px` });
  }

  look(view) {
    clearTimeout(this.timer);
    if (this.covers(view)) this.timer = setTimeout(() => this.ask(view), REST);
    else this.ask(view);
  }

  covers({ x, y, half }) {
    if (!this.asked) return false;
    const scale = half / this.asked.half;
    const [right, up] = [x - this.asked.x, y - this.asked.y].map((distance) => Math.abs(distance) / this.asked.half);
    const [width, height] = this.lengths.map((length) => length / this.height);
    const fits = right + (scale * this.width) / this.height <= width && up + scale <= height;
    return fits && Math.max(scale, 1 / scale) <= MOST_SCALE;
  }

  /** The canvas now shows the points of the view that was asked. */
  drew() {
    this.drawn = this.asked;
    if (this.placed) this.place(this.placed);
  }

  /** Moves and scales the canvas to a view. */
  place(view) {
    this.placed = view;
    if (!this.drawn) return;
    const [right, up] = [this.drawn.x - view.x, this.drawn.y - view.y].map(
      (distance) => (distance / view.half) * (this.height / 2),
    );
    this.canvas.style.transform = `translate(${right}px, ${-up}px) scale(${this.drawn.half / view.half})`;
  }
}

const ratio = () => window.devicePixelRatio || 1;

/** Sets the size of a canvas, in CSS pixels. */
function setSize(canvas, width, height) {
  Object.assign(canvas, { width: width * ratio(), height: height * ratio() });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
}

/** The context of an empty canvas, whose units are CSS pixels. */
function emptied(canvas) {
  const context = canvas.getContext("2d");
  context.setTransform(ratio(), 0, 0, ratio(), 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

/** Points on a WebGL canvas. */
class GlPoints extends Points {
  static async make(canvas, data) {
    const context = document.createElement("canvas").getContext("webgl");
    if (!context || !context.getExtension("OES_texture_float")) return null;
    context.getExtension("WEBGL_lose_context")?.loseContext();
    const library = await import("regl-scatterplot");
    return new GlPoints(library, canvas, data);
  }

  constructor({ createRenderer, default: createScatterplot }, canvas, data) {
    super();
    this.canvas = canvas;
    this.renderer = createRenderer({ canvas: make("canvas") }); // of the size of the map; by default, of the window
    this.shown = data.num;
    const [x0, x1, y0, y1] = data.plane.extent;
    this.middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    this.unit = Math.max(x1 - x0, y1 - y0) / 2;
    this.x = Float32Array.from(data.x, (x) => (x - this.middle[0]) / this.unit);
    this.y = Float32Array.from(data.y, (y) => (y - this.middle[1]) / this.unit);
    this.size = data.num > 20000 ? 2.5 : data.num > 3000 ? 3.5 : 6;
    this.plot = createScatterplot({
      canvas,
      renderer: this.renderer,
      aspectRatio: 1,
      cameraIsFixed: true,
      colorBy: "valueA",
      pointScaleMode: "constant",
      pointSize: this.size,
      pointSizeSelected: 2,
      pointSizeMouseDetection: 0.001,
      opacity: data.num > 20000 ? 0.6 : 0.8,
      opacityInactiveMax: 0.15,
      spatialIndexUseWorker: false,
      lassoOnLongPress: false,
    });
    this.plot.subscribe("drawing", () => this.drew()); // in the frame of the new points
    this.queue = Promise.resolve();
  }

  resize(...size) {
    super.resize(...size);
    const [width, height] = this.lengths;
    this.renderer.resize(width, height);
    this.renderer.refresh();
    this.plot.set({ width, height });
  }

  /** Draws a view in the next frame. */
  ask(view) {
    this.asked = view;
    const { x, y, half } = view;
    const scale = ((this.unit / half) * this.height) / this.lengths[1];
    const [tx, ty] = [x, y].map((value, i) => (-(value - this.middle[i]) / this.unit) * scale);
    this.plot.view([scale, 0, 0, 0, 0, scale, 0, 0, 0, 0, 1, 0, tx, ty, 0, 1], { preventEvent: true });
  }

  /** Draws points with colors {index of the point: index of a color}, of which those in `visible` are shown. */
  paint(index, palette, visible, selected) {
    this.queue = this.queue.then(() => {
      this.plot.set({ pointColor: palette, pointColorActive: palette, pointColorHover: palette });
      const chosen = [...(selected ?? [])]; // the library changes it
      const options = { zDataType: "categorical", select: chosen, ...(visible ? { filter: visible } : {}) };
      return this.plot.draw({ x: this.x, y: this.y, z: index }, options);
    });
    return this.queue;
  }
}

/** Points on a canvas without WebGL: at most MOST_ON_CANVAS, at equal steps. */
class CanvasPoints extends Points {
  constructor(canvas, data) {
    super();
    Object.assign(this, { canvas, data });
    this.shown = Math.min(data.num, MOST_ON_CANVAS);
    this.chosen = Array.from({ length: this.shown }, (_, k) => Math.floor((k * data.num) / this.shown));
  }

  async paint(index, palette, visible, selected) {
    Object.assign(this, { index, palette });
    this.visible = visible && new Set(visible);
    this.selected = selected && new Set(selected);
    this.draw();
  }

  ask(view) {
    this.asked = view;
    this.draw();
  }

  draw() {
    if (!this.palette || !this.asked) return;
    const [width, height] = this.lengths;
    const context = emptied(this.canvas);
    const { x, y, half } = this.asked;
    const scale = this.height / 2 / half;
    for (const i of this.chosen) {
      if (this.visible && !this.visible.has(i)) continue;
      context.globalAlpha = this.selected && !this.selected.has(i) ? 0.2 : 0.8;
      context.fillStyle = this.palette[this.index[i]];
      const [right, up] = [(this.data.x[i] - x) * scale, (this.data.y[i] - y) * scale];
      context.fillRect(width / 2 + right - 1.5, height / 2 - up - 1.5, 3, 3);
    }
    this.drew();
  }
}

export class LatentMap extends EventTarget {
  /** Makes the map in an element; `show` draws pictures. */
  static async make(element, data, show) {
    const map = new LatentMap(element, data, show);
    map.points = (await GlPoints.make(map.middle, data)) ?? new CanvasPoints(map.middle, data);
    map.resize();
    new ResizeObserver(() => map.resize()).observe(element);
    map.watchRatio();
    return map;
  }

  constructor(element, data, show) {
    super();
    Object.assign(this, { element, data, show });
    [this.under, this.middle, this.over] = ["under", "points", "over"].map((className) =>
      make("canvas", { className, ariaHidden: "true" }),
    );
    element.replaceChildren(this.under, this.middle, this.over);
    const [x0, x1, y0, y1] = data.plane.extent;
    this.home = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, half: (y1 - y0) / 2, width: (x1 - x0) / 2 };
    this.mode = "point";
    this.options = { density: false, far: true, pictures: false };
    this.at = [this.home.x, this.home.y];
    this.marks = {}; // {name: point}
    this.path = [];
    this.fingers = new Map();
    this.listen();
  }

  /** Draws for another number of device pixels, when the window comes to another screen. */
  watchRatio() {
    const now = matchMedia(`(resolution: ${ratio()}dppx)`);
    const changed = () => (this.resize(), this.watchRatio());
    now.addEventListener("change", changed, { once: true });
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    Object.assign(this, { width, height });
    for (const canvas of [this.under, this.over]) setSize(canvas, width, height);
    this.points.resize(width, height);
    if (!this.view) this.reset();
    else this.look(this.view);
  }

  /** Shows all of the map. */
  reset() {
    const { x, y, half, width } = this.home;
    this.look({ x, y, half: Math.max(half, (width * this.height) / this.width) });
  }

  /** Shows the part around a point, from `half` below to `half` above it. */
  look(view) {
    const least = this.home.half / 500;
    this.view = { ...view, half: Math.min(Math.max(view.half, least), this.home.half * 20) };
    this.points.look(this.view);
    this.drawSoon();
    this.dispatchEvent(new Event("view"));
  }

  zoom(factor, [x, y] = [this.view.x, this.view.y]) {
    const move = (center, fixed) => fixed + (center - fixed) * factor;
    this.look({ x: move(this.view.x, x), y: move(this.view.y, y), half: this.view.half * factor });
  }

  toScreen([x, y]) {
    const scale = this.height / 2 / this.view.half;
    return [this.width / 2 + (x - this.view.x) * scale, this.height / 2 - (y - this.view.y) * scale];
  }

  toPoint([left, top]) {
    const scale = this.view.half / (this.height / 2);
    return [this.view.x + (left - this.width / 2) * scale, this.view.y - (top - this.height / 2) * scale];
  }

  // Input. A moving mouse and a dragged finger point; a dragged mouse and two fingers move the map.

  listen() {
    const { over, fingers } = this;
    const place = (event) => {
      const box = over.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let start, lasso;
    over.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      over.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, place(event));
      start = { at: place(event), view: this.view, moved: false };
      if (this.mode === "lasso") lasso = [this.toPoint(place(event))];
      else if (event.pointerType !== "mouse" && fingers.size === 1) this.point(this.toPoint(place(event)), "drag");
    });
    over.addEventListener("pointermove", (event) => {
      const now = place(event);
      const before = fingers.get(event.pointerId);
      if (fingers.size === 2 && before) return this.pinch(event.pointerId, now);
      if (before) fingers.set(event.pointerId, now);
      if (start && Math.hypot(now[0] - start.at[0], now[1] - start.at[1]) > TAP) start.moved = true;
      if (lasso) {
        const last = this.toScreen(lasso.at(-1));
        if (Math.hypot(now[0] - last[0], now[1] - last[1]) > TAP) lasso.push(this.toPoint(now));
        this.lasso = lasso;
        return this.drawSoon();
      }
      if (before && event.pointerType === "mouse") {
        if (!start.moved) return;
        const scale = start.view.half / (this.height / 2);
        const [dx, dy] = [now[0] - start.at[0], now[1] - start.at[1]];
        return this.look({ ...start.view, x: start.view.x - dx * scale, y: start.view.y + dy * scale });
      }
      if (this.mode === "point") this.point(this.toPoint(now), before ? "drag" : "hover");
    });
    const end = (event) => {
      if (!fingers.delete(event.pointerId)) return;
      const round = (value) => Number(value.toPrecision(5)); // as the address keeps it
      if (lasso && lasso.length > 2) this.select(lasso.map((point) => point.map(round)));
      else if (event.type === "pointerup" && event.pointerType === "mouse" && !start.moved && this.mode === "point")
        this.point(this.toPoint(place(event)), "click");
      this.lasso = lasso = start = undefined;
      this.drawSoon();
    };
    over.addEventListener("pointerup", end);
    over.addEventListener("pointercancel", end);
    over.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 200), this.toPoint(place(event)));
      },
      { passive: false },
    );
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  pinch(id, now) {
    const before = this.fingers.get(id);
    const fixed = this.fingers.get([...this.fingers.keys()].find((each) => each !== id));
    const length = ([x, y]) => Math.hypot(x - fixed[0], y - fixed[1]) || 1;
    this.fingers.set(id, now);
    this.zoom(length(before) / length(now), this.toPoint(fixed));
    const scale = this.view.half / this.height; // half of what one finger moved
    this.look({
      ...this.view,
      x: this.view.x - (now[0] - before[0]) * scale,
      y: this.view.y + (now[1] - before[1]) * scale,
    });
  }

  key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = KEYS[event.key];
    if (direction) {
      const step = this.view.half * (event.shiftKey ? 0.2 : 0.04);
      this.point([this.at[0] + direction[0] * step, this.at[1] + direction[1] * step], "key");
      const [left, top] = this.toScreen(this.at);
      if (left < 0 || top < 0 || left > this.width || top > this.height)
        this.look({ ...this.view, x: this.at[0], y: this.at[1] });
    } else if (event.key === "+" || event.key === "=") this.zoom(0.8, this.at);
    else if (event.key === "-") this.zoom(1.25, this.at);
    else if (event.key === "0") this.reset();
    else if (["a", "b", "Enter", " "].includes(event.key))
      this.dispatchEvent(new CustomEvent("letter", { detail: event.key }));
    else return;
    event.preventDefault();
  }

  point(at, how) {
    this.dispatchEvent(new CustomEvent("point", { detail: { at, how } }));
  }

  select(polygon) {
    const inside = [];
    for (let i = 0; i < this.data.num; ++i)
      if ((!this.visibleSet || this.visibleSet.has(i)) && isInside(polygon, this.data.x[i], this.data.y[i]))
        inside.push(i);
    this.dispatchEvent(new CustomEvent("select", { detail: { inside, polygon } }));
  }

  // Output.

  /** Marks the place of the code that is shown. */
  mark(at, pinned) {
    Object.assign(this, { at, pinned });
    this.drawSoon();
  }

  paint(index, palette, visible, selected) {
    this.visibleSet = visible && new Set(visible);
    Object.assign(this, { index, palette });
    this.drawSoon();
    return this.points.paint(index, palette, visible, selected);
  }

  drawSoon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      if (!this.view) return;
      this.points.place(this.view);
      this.drawUnder();
      this.drawOver();
    });
  }

  drawUnder() {
    const context = emptied(this.under);
    const [x0, x1, y0, y1] = this.data.plane.grid;
    const [left, top] = this.toScreen([x0, y1]);
    const [right, bottom] = this.toScreen([x1, y0]);
    const style = getComputedStyle(this.element);
    if (this.options.far) {
      this.farImage ??= farImage(this.data, style.getPropertyValue("--far"));
      context.fillStyle = style.getPropertyValue("--far");
      context.beginPath(); // all but the grid
      context.rect(0, 0, this.width, this.height);
      context.rect(left, top, right - left, bottom - top);
      context.fill("evenodd");
      context.drawImage(this.farImage, left, top, right - left, bottom - top);
    }
  }

  drawOver() {
    const context = emptied(this.over);
    if (this.options.pictures) this.drawPictures(context);
    if (this.options.density) this.drawContours(context);
    const style = getComputedStyle(this.element);
    const ink = style.getPropertyValue("--ink");
    const halo = style.getPropertyValue("--panel");
    const stroke = (width, color) =>
      Object.assign(context, { lineWidth: width, strokeStyle: color }) && context.stroke();
    if (this.lasso || this.path.length) {
      const line = this.lasso ?? this.path;
      context.beginPath();
      for (const point of line) context.lineTo(...this.toScreen(point));
      if (this.lasso) context.closePath();
      stroke(4, halo);
      stroke(2, ink);
    }
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [name, point] of Object.entries(this.marks)) {
      const [x, y] = this.toScreen(point);
      context.beginPath();
      context.arc(x, y, 10, 0, 2 * Math.PI);
      context.fillStyle = ink;
      context.fill();
      stroke(2, halo);
      context.fillStyle = halo;
      context.font = "bold 12px system-ui, sans-serif";
      context.fillText(name, x, y + 0.5);
    }
    const [x, y] = this.toScreen(this.at);
    context.beginPath();
    context.arc(x, y, 8, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(x + 8 * dx, y + 8 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    stroke(5, halo);
    stroke(2, ink);
    if (!this.pinned) return;
    context.beginPath();
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
    context.fillStyle = ink;
    context.fill();
  }

  /** Lines with shares of the codes inside, and what they have. */
  drawContours(context) {
    const style = getComputedStyle(this.element);
    const [ink, halo] = ["--ink", "--panel"].map((name) => style.getPropertyValue(name));
    Object.assign(context, { font: "600 11px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    context.lineJoin = "round";
    for (const { share, lines } of this.data.facts.contours) {
      const inside = `${Math.round(100 * share)}%`;
      for (const line of lines) {
        const places = line.map((point) => this.toScreen(point));
        context.beginPath();
        for (const place of places) context.lineTo(...place);
        for (const [lineWidth, strokeStyle] of [[3.5, halo], [1.9 - share, ink]]) {
          Object.assign(context, { lineWidth, strokeStyle });
          context.stroke();
        }
      }
      const [x, y] = lines
        .reduce((a, b) => (b.length > a.length ? b : a), [])
        .map((point) => this.toScreen(point))
        .reduce((a, b) => (b[1] < a[1] ? b : a), [0, Infinity]); // the top of the longest
      Object.assign(context, { lineWidth: 4, strokeStyle: halo, fillStyle: ink });
      context.strokeText(inside, x, y);
      context.fillText(inside, x, y);
    }
  }

  /** Pictures of examples, at most one in each cell of the screen. */
  drawPictures(context) {
    const taken = new Set();
    for (let k = 0; k < this.data.facts.pictures.num; ++k) {
      const i = this.data.pictured(k);
      if (this.visibleSet && !this.visibleSet.has(i)) continue;
      const [x, y] = this.toScreen([this.data.x[i], this.data.y[i]]);
      if (x < 0 || y < 0 || x > this.width || y > this.height) continue;
      const [column, row] = [Math.floor(x / CELL), Math.floor(y / CELL)];
      if (taken.has(`${column},${row}`)) continue;
      taken.add(`${column},${row}`);
      this.small ??= [];
      this.small[k] ??= this.show.canvas(this.data.picture(k));
      context.imageSmoothingEnabled = false;
      context.fillStyle = this.palette[this.index[i]];
      context.fillRect(column * CELL + 2, row * CELL + 2, CELL - 4, CELL - 4);
      context.drawImage(this.small[k], column * CELL + 4, row * CELL + 4, CELL - 8, CELL - 8);
    }
  }

  /** Forgets an image with colors of the other theme. */
  restyle() {
    this.farImage = undefined;
    this.drawSoon();
  }
}

function isInside(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [[x0, y0], [x1, y1]] = [polygon[i], polygon[j]];
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

/** An image of the grid, row 0 at the bottom, with a color where no training code is near. */
function farImage({ support, facts }, color) {
  const { cells, far } = facts.support;
  const canvas = make("canvas", { width: cells, height: cells });
  const context = canvas.getContext("2d");
  context.fillStyle = color;
  support.forEach((value, i) => {
    if (value < far) context.fillRect(i % cells, cells - 1 - Math.floor(i / cells), 1, 1);
  });
  return canvas;
}
