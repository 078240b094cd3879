/* Shows examples: images and the middle slices of volumes on a canvas, sequences as curves, rows of tables as bars with
   names. */

const COLORS = ["#3b7dd8", "#d95f02", "#1b9e77", "#9a6fd0", "#e7298a", "#66a61e", "#b8860b", "#17a2b8"];

/** Makes an element with properties and children. */
export function make(tag, fields = {}, ...children) {
  const { dataset, ...rest } = fields;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

export function download(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export class Show {
  constructor({ event_shape, kind, limits, scales, names }) {
    Object.assign(this, { kind, limits, scales });
    this.oneScale = scales.every(([low, high]) => low === scales[0][0] && high === scales[0][1]);
    this.isVolume = event_shape.length === 4;
    const [height, width = 1, channels = 1] = this.isVolume ? event_shape.slice(1) : event_shape;
    this.start = this.isVolume ? Math.floor(event_shape[0] / 2) * height * width * channels : 0; // of the middle slice
    Object.assign(this, kind === "image" ? { height, width, channels } : { length: height });
    this.channels ??= event_shape.slice(1).reduce((product, size) => product * size, 1);
    const count = kind === "bars" ? this.length : this.channels;
    this.names = Array.from(
      { length: count },
      (_, i) => names[i] ?? (kind === "bars" ? `column ${i}` : `channel ${i}`),
    );
  }

  /** The values as RGBA pixels, rounded and clipped to [0, 255]. */
  pixels(values, [low, high] = this.limits) {
    const image = new ImageData(this.width, this.height);
    for (let i = 0; i < this.width * this.height; ++i) {
      for (let c = 0; c < 3; ++c) {
        const value = values[this.start + i * this.channels + (this.channels === 3 ? c : 0)];
        image.data[4 * i + c] = (255 * (value - low)) / (high - low);
      }
      image.data[4 * i + 3] = 255;
    }
    return image;
  }

  /** A canvas of the values; of an image in its own pixels, of others with a size. */
  canvas(values, { label = "", limits, width = 84, height = 56 } = {}) {
    const image = this.kind === "image";
    const canvas = make("canvas", image ? { width: this.width, height: this.height } : { width, height });
    canvas.className = this.kind;
    if (label) Object.assign(canvas, { role: "img", ariaLabel: label });
    else canvas.ariaHidden = "true";
    this.draw(canvas, values, limits);
    return canvas;
  }

  /** Draws values on a canvas that `canvas` made. */
  draw(canvas, values, limits) {
    const context = canvas.getContext("2d", { willReadFrequently: this.kind === "image" });
    if (this.kind === "image") return context.putImageData(this.pixels(values, limits), 0, 0);
    const { width, height } = canvas;
    const place = (value, i) => height - 2 - this.share(value, i) * (height - 4);
    context.clearRect(0, 0, width, height);
    if (this.kind === "bars") {
      const step = width / this.length;
      context.fillStyle = COLORS[0];
      values.forEach((value, i) =>
        context.fillRect(
          i * step + 0.1 * step,
          Math.min(place(value, i), place(0, i)),
          0.8 * step,
          Math.abs(place(value, i) - place(0, i)) || 1,
        ),
      );
      return;
    }
    for (let c = 0; c < this.channels; ++c) {
      context.strokeStyle = COLORS[c % COLORS.length];
      context.lineWidth = 1.5;
      context.beginPath();
      for (let t = 0; t < this.length; ++t)
        context.lineTo((t / Math.max(this.length - 1, 1)) * width, place(values[t * this.channels + c], c));
      context.stroke();
    }
  }

  /** The place of a value in the scale of its column or channel, in [0, 1]. */
  share(value, i) {
    const [low, high] = this.scales[i];
    return (Math.min(Math.max(value, low), high) - low) / (high - low);
  }
}

/** A large view of one example that changes: a canvas, curves of uPlot, or a table of bars. */
export class Viewer {
  constructor(show, place, label) {
    Object.assign(this, { show, place, label });
  }

  async set(values) {
    this.values = values;
    if (this.show.kind === "image") {
      if (!this.canvas) this.place.replaceChildren((this.canvas = this.show.canvas(values, { label: this.label })));
      else this.show.draw(this.canvas, values);
    } else if (this.show.kind === "bars") this.bars(values);
    else await this.curves(values);
  }

  bars(values) {
    const share = (value, i) => 100 * this.show.share(value, i);
    if (!this.rows) {
      this.rows = this.show.names.map((name) => {
        const bar = make("span", { className: "bar" });
        const number = make("td");
        return { bar, number, row: make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, bar), number) };
      });
      const caption = make("caption", { className: "hidden" }, this.label);
      const body = make("tbody", {}, ...this.rows.map(({ row }) => row));
      this.place.replaceChildren(make("table", { className: "bars" }, caption, body), ...this.scaleNote("column"));
    }
    values.forEach((value, i) => {
      const ends = [share(0, i), share(value, i)].sort((a, b) => a - b);
      this.rows[i].bar.style.marginLeft = `${ends[0]}%`;
      this.rows[i].bar.style.width = `${Math.max(ends[1] - ends[0], 0.5)}%`;
      this.rows[i].number.textContent = Number(value.toPrecision(3));
    });
  }

  scaleNote(part) {
    return this.show.oneScale ? [] : [make("p", { className: "hint" }, `Each ${part} has its own scale.`)];
  }

  async curves(values) {
    const { channels, length, names, scales, oneScale } = this.show;
    const steps = Array.from({ length }, (_, t) => t);
    const data = [steps, ...names.map((_, c) => steps.map((t) => values[t * channels + c]))];
    this.uplot ??= import("uplot");
    const { default: UPlot } = await this.uplot;
    if (!this.plot) {
      const ink = getComputedStyle(document.body).color;
      const axis = { stroke: ink, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884" } };
      const scaleOf = (c) => (oneScale ? "y" : `y${c}`);
      const series = names.map((label, c) => ({
        label,
        scale: scaleOf(c),
        stroke: COLORS[c % COLORS.length],
        width: 1.5,
      }));
      const ranges = scales.map((range, c) => [scaleOf(c), { range }]);
      // Two channels have an axis each, left and right, in their colors.
      const sides = oneScale
        ? [{ ...axis, scale: "y" }]
        : [3, 1].slice(0, names.length).map((side, c) => ({
            ...axis,
            side,
            scale: scaleOf(c),
            stroke: COLORS[c],
            grid: { show: c === 0 },
            label: names[c],
          }));
      const options = {
        width: Math.max(this.place.clientWidth, 240),
        height: 190,
        scales: { x: { time: false }, ...Object.fromEntries(ranges) },
        axes: [axis, ...sides],
        series: [{}, ...series],
        legend: { show: names.length <= 10, live: false },
        cursor: { drag: { x: false, y: false } },
      };
      this.place.replaceChildren();
      Object.assign(this.place, { role: "img", ariaLabel: this.label });
      this.plot = new UPlot(options, data, this.place);
      this.place.append(...this.scaleNote("channel"));
    } else this.plot.setData(data);
  }
}
