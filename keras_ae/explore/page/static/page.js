/* The page: the code that is shown, the controls around the map, and a link to the view. */

import { Data, fartherOut, fetchBytes, fetchFacts, lessLikely, Plane } from "./data.js";
import { makePanels } from "./panels.js";
import { properties } from "./properties.js";
import { make, Show, Viewer } from "./show.js";

const element = (id) => document.getElementById(id);
const CLASSES = [
  "#3b7dd8", "#e07b1a", "#2a9d5c", "#d1495b", "#8e63c7", "#8c6d46", "#d36bb3", "#6f7782", "#a8a422", "#1fa3b5",
  "#1c4f91", "#f2b56b", "#86cfa1", "#f0a0a8", "#c3aee3", "#c9ad8b", "#efb5da", "#b9bec6", "#d9d77e", "#94d7e0",
]; // prettier-ignore
const UNKNOWN = "#9aa0a8";
const SCALE = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];

function say(sentence, role = "status") {
  Object.assign(element("message"), { textContent: sentence, hidden: !sentence, role });
}

/** Everything that the panels need; events: "code" when the code or the condition changes. */
class Page extends EventTarget {
  async open() {
    if (typeof WebAssembly !== "object")
      throw new Error("This browser has no WebAssembly, which runs the model: use a current version of any browser.");
    const loading = import("./model.js").catch((error) => {
      throw new Error(`The libraries of this page are missing: write the page again. (${error.message})`);
    });
    const runtime = loading.then(({ start }) => start()).catch(() => {}); // Model.open reports its errors
    this.facts = await fetchFacts();
    const data = Data.load(this.facts);
    data.catch(() => {}); // awaited below
    this.show = new Show(this.facts);
    this.plane = new Plane(this.facts.plane);
    this.describe();
    const bytes = await fetchBytes("model.tflite");
    await runtime;
    this.model = await (await loading).Model.open(bytes);
    this.properties = properties(this.model, element("properties"));
    this.viewer = new Viewer(this.show, element("decoded"), "Decoded example");
    this.z = this.plane.code([0, 0]);
    this.at = this.plane.point(this.z);
    element("now").classList.add(this.facts.kind);
    element("main").hidden = false;
    await this.decode();
    performance.mark("first-picture");
    this.data = await data;
    const { LatentMap } = await import("./map.js");
    this.map = await LatentMap.make(element("map"), this.data, this.show);
    this.listen();
    this.controls();
    makePanels(this);
    this.restore();
    await this.map.points.queue;
    say(
      this.map.points.shown < this.data.num
        ? `WebGL is missing in this browser: the map shows ${count(this.map.points.shown)} of ${count(this.data.num)} points.`
        : "",
    );
  }

  describe() {
    const { model, num, total, latent_dim: dim, kind } = this.facts;
    document.title = `${model}: a map to play with`;
    element("title").textContent = `${model}: ${count(num)} codes in ${dim} ${dim === 1 ? "dimension" : "dimensions"}`;
    const images = this.show.isVolume ? "volumes, whose middle slice is shown" : "images";
    const what = { image: images, bars: "table rows", curves: "sequences" }[kind];
    const chosen = num < total ? ` of ${count(total)}, at equal steps,` : "";
    element("lead").textContent =
      `Each point is the code of one of ${count(num)} ${what}${chosen}. Move over the map to decode the code under ` +
      "the pointer. " +
      "The model runs in your browser, and no data leave it.";
    element("map-help").textContent =
      `Axes: ${this.facts.plane.names.filter(Boolean).join(", ")}. Move or drag a finger to decode, click to keep a ` +
      "code, drag or use two fingers to move the map, scroll to zoom. Keys: arrows move the pointer, + and − zoom, " +
      "A and B set the ends of a path." +
      (dim > 2 ? " The other components of the code are at their mean, or those of the nearest example." : "");
    element("near-example").hidden = dim <= 2;
    element("foot").textContent =
      `Written by ${"keras_ae"}. The licenses of its libraries are in libraries/LICENSES.txt.`;
  }

  // The code that is shown.

  /** Shows a code; `pinned` keeps it when the pointer moves over the map. */
  set(z, { pinned = true, at = this.plane.point(z) } = {}) {
    Object.assign(this, { z: Float32Array.from(z), at, pinned });
    element("follow").checked = !pinned;
    this.map?.mark(at, pinned);
    return this.decodeSoon();
  }

  /** Shows the code of a training example, under the conditions of the example. */
  use(i) {
    for (const [name, fieldName] of Object.entries(this.facts.properties)) {
      const field = this.data.field(fieldName);
      const said = this.data.said(field, i);
      const label = this.properties.labels[name]?.indexOf(said);
      this.properties.set(name, [field.kind === "number" ? field.values[i] : label >= 0 ? label : Number(said)]);
    }
    return this.set(this.data.code(i));
  }

  /** Decodes the newest code, and no code between. */
  decodeSoon() {
    this.wanted = true;
    document.body.ariaBusy = "true";
    this.running ??= (async () => {
      try {
        while (this.wanted) {
          this.wanted = false;
          await this.decode();
        }
      } catch (error) {
        say(error.message, "alert");
      } finally {
        this.running = undefined;
        this.idle();
      }
    })();
    return this.running;
  }

  async decode() {
    const [x] = await this.model.decode([this.z], [this.properties.read()]);
    this.x = x;
    await this.viewer.set(x);
    if (this.data) this.about();
    this.dispatchEvent(new Event("code"));
  }

  /** Work that follows: `busy` is a promise. */
  async wait(busy) {
    this.pending = (this.pending ?? 0) + 1;
    document.body.ariaBusy = "true";
    try {
      return await busy;
    } catch (error) {
      say(error.message, "alert");
    } finally {
      this.pending -= 1;
      this.idle();
    }
  }

  idle() {
    if (!this.pending && !this.running) document.body.ariaBusy = "false";
  }

  /** What is known about the place of the code. */
  about() {
    this.nearest = this.data.nearest(this.z);
    const { distance, support } = this.nearest;
    const far = support < this.facts.support.far;
    element("near").className = far ? "far" : "close";
    const away = distance.toPrecision(2);
    element("near").textContent = far
      ? `No training code near here. The nearest is ${away} away, farther than 99% of these are from their neighbor.`
      : distance < 1e-6
        ? "The code of a training example."
        : `Nearest training code ${away} away; ${percents(support)} of training codes are farther from their neighbor.`;
    const some = [...this.z].slice(0, 6).map((value) => (Math.round(100 * value) / 100 || 0).toFixed(2));
    element("at").textContent = `Code (${some.join(", ")}${this.z.length > 6 ? ", …" : ""})${this.likely()}`;
    const pictures = this.data.nearestPictures(this.z, 5);
    const key = pictures.map(({ k }) => k).join();
    if (key === this.shownNeighbors) return;
    this.shownNeighbors = key;
    const field = this.data.field(element("color").value) ?? this.data.fields[0];
    element("neighbors").replaceChildren(
      ...pictures.map(({ k }) => {
        const i = this.data.pictured(k);
        const label = `Example ${this.data.row(i)}, ${field.name} ${this.data.said(field, i)}`;
        const button = make(
          "button",
          { type: "button", title: label, ariaLabel: `${label}: use its code` },
          this.show.canvas(this.data.picture(k)),
        );
        button.addEventListener("click", () => this.use(i));
        return button;
      }),
    );
  }

  /** How likely the code is under the prior, in words. */
  likely() {
    const { prior, density } = this.facts;
    if (!prior) return "";
    if (prior === "StandardNormal") return `, ${percents(fartherOut(this.z))} of the prior farther out`;
    if (!density) return ". The page does not know the density of this prior.";
    const mixture = density.mixtures[density.property ? this.properties.read()[density.property] : 0];
    return `, ${percents(lessLikely(this.z, mixture))} of prior samples less likely`;
  }

  // Controls.

  listen() {
    const { map } = this;
    map.addEventListener("point", ({ detail: { at, how } }) => {
      if (how === "hover" && this.pinned) return;
      const pinned = how === "click" ? !this.pinned : how === "key";
      const z = element("from-example").checked ? this.data.codeNear(at) : this.plane.code(at);
      this.set(z, { at, pinned });
    });
    map.addEventListener("letter", ({ detail }) => {
      const button = { a: "mark-a", b: "mark-b" }[detail] ?? "follow";
      element(button).click();
    });
    map.addEventListener("select", ({ detail: { inside, polygon } }) => this.select(inside, polygon));
    map.addEventListener("view", () => this.remember());
    this.addEventListener("code", () => this.remember());
    element("properties").addEventListener("input", () => this.decodeSoon());
    element("follow").addEventListener("change", ({ target }) =>
      this.set(this.z, { at: this.at, pinned: !target.checked }),
    );
    element("use-nearest").addEventListener("click", () => this.use(this.nearest.index));
    element("zoom-in").addEventListener("click", () => map.zoom(0.7));
    element("zoom-out").addEventListener("click", () => map.zoom(1 / 0.7));
    element("zoom-all").addEventListener("click", () => map.reset());
    for (const mode of ["point", "lasso"])
      element(`mode-${mode}`).addEventListener("click", () => {
        map.mode = mode;
        for (const each of ["point", "lasso"]) element(`mode-${each}`).ariaPressed = String(each === mode);
      });
    for (const name of Object.keys(map.options))
      element(`show-${name}`).addEventListener("change", ({ target }) => {
        map.options[name] = target.checked;
        map.drawSoon();
        this.remember();
      });
    element("share").addEventListener("click", async () => {
      this.remember.flush?.();
      try {
        await navigator.clipboard.writeText(location.href);
        element("share").textContent = "Link copied";
      } catch {
        element("share").textContent = "The link is in the address bar";
      }
      setTimeout(() => (element("share").textContent = "Copy link to this view"), 2000);
    });
    window.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== this.hash) this.restore();
    });
  }

  controls() {
    element("color").replaceChildren(...this.data.fields.map(({ name }) => new Option(name, name)));
    element("color").addEventListener("change", () => this.wait(this.paint()));
    const first = this.data.fields.find(({ kind }) => kind === "class");
    const number = this.data.fields.find(({ kind }) => kind === "number");
    element("filter-hint").textContent =
      "Such as " +
      [
        first && `“${first.name} = ${first.classes[0]}”`,
        number && `“${number.name} > ${Number(((number.range[0] + number.range[1]) / 2).toPrecision(1))}”`,
      ]
        .filter(Boolean)
        .join(" or ");
    const { fields } = this.data;
    const numeric = fields.filter(({ kind }) => kind === "number");
    element("filters").replaceChildren(
      ...fields.flatMap(({ name, classes = [] }) => classes.map((each) => new Option("", `${name} = ${each}`))),
      ...numeric.map((field) => new Option("", `${field.name} > ${this.data.said(field, 0)}`)),
      ...numeric.filter(({ scale }) => scale === "p-value").map(({ name }) => new Option("", `${name} < 0.01`)),
      new Option("", `row = ${this.data.row(0)}`),
    );
    element("filter").addEventListener("input", () => this.wait(this.paint()));
  }

  /** Colors the points, and shows those of the filter, the legend and the selection. */
  async paint() {
    const field = this.data.field(element("color").value) ?? this.data.fields[0];
    if (field !== this.colored) Object.assign(this, { colored: field, hidden: new Set() });
    const { index, palette } = colors(field);
    let keep = null;
    try {
      keep = this.data.filter(element("filter").value);
      element("filter").removeAttribute("aria-invalid");
      this.filterError();
    } catch (error) {
      element("filter").ariaInvalid = "true";
      this.filterError(error.message);
    }
    let visible = null;
    if (keep || this.hidden.size || this.isolated) {
      visible = [];
      for (let i = 0; i < this.data.num; ++i)
        if ((!keep || keep(i)) && !this.hidden.has(index[i]) && (!this.isolated || this.isolated.has(i)))
          visible.push(i);
    }
    this.visible = visible;
    this.legend(field, palette, visible);
    this.shownNeighbors = "";
    this.about();
    this.remember();
    await this.map.paint(index, palette, visible, this.selected?.length ? this.selected : null);
  }

  filterError(sentence) {
    this.hint ??= element("filter-hint").textContent;
    element("filter-hint").textContent = sentence ?? this.hint;
  }

  legend(field, palette, visible) {
    const shown = `${(visible ?? this.data.x).length.toLocaleString("en")} points`;
    if (field.kind === "number") {
      const scale = make("span", { className: "scale" });
      scale.style.background = `linear-gradient(to right, ${SCALE.join(", ")})`;
      const ends = numberEnds(field).map((value) => make("span", {}, Number(value.toPrecision(3)).toString()));
      element("legend").replaceChildren(ends[0], scale, ends[1], make("span", { className: "muted" }, shown));
      return;
    }
    const chips = field.classes.map((name, i) => {
      const dot = make("span", { className: "dot" });
      dot.style.background = palette[i];
      const chip = make(
        "button",
        { type: "button", className: "chip", ariaPressed: String(!this.hidden.has(i)), title: "Click to hide or show" },
        dot,
        name,
      );
      chip.addEventListener("click", () => {
        if (!this.hidden.delete(i)) this.hidden.add(i);
        const place = [...element("legend").children].indexOf(chip);
        this.wait(this.paint());
        element("legend").children[place].focus();
      });
      return chip;
    });
    element("legend").replaceChildren(...chips, make("span", { className: "muted" }, shown));
  }

  /** Selects points; `polygon` is the lasso around them, which the address keeps. */
  select(indices, polygon = null) {
    Object.assign(this, { selected: indices, polygon: indices.length ? polygon : null });
    this.dispatchEvent(new Event("select"));
    return this.wait(this.paint());
  }

  /** Shows only the selected points, or all. */
  isolate(on) {
    this.isolated = on && this.selected?.length ? new Set(this.selected) : null;
    this.dispatchEvent(new Event("select"));
    return this.wait(this.paint());
  }

  // The view in the address.

  remember() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), 250);
  }

  write() {
    if (!this.map?.view) return;
    const round = (values) => [...values].map((value) => Number(value.toPrecision(5))).join(",");
    const { x, y, half } = this.map.view;
    const options = Object.entries(this.map.options)
      .filter(([, on]) => on)
      .map(([name]) => name);
    const state = new URLSearchParams({
      view: round([x, y, half]),
      z: round(this.z),
      color: this.colored?.name ?? "",
      show: options.join(),
    });
    if (element("filter").value) state.set("filter", element("filter").value);
    if (this.hidden?.size) state.set("hide", [...this.hidden].join());
    if (this.polygon) state.set("lasso", this.polygon.flat().join());
    if (this.isolated) state.set("only", "lasso");
    for (const [name, value] of Object.entries(this.properties.read())) state.set(`c.${name}`, [value].flat().join());
    for (const [name, code] of Object.entries(this.ends ?? {})) state.set(name, round(code));
    this.hash = state.toString();
    history.replaceState(null, "", `#${this.hash}`);
  }

  restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    const numbers = (name, length) => {
      const found = (state.get(name) ?? "").split(",").map(Number);
      const right = found.length === (length ?? found.length) && found.every(Number.isFinite);
      return state.get(name) && right ? found : null;
    };
    if (this.data.field(state.get("color"))) element("color").value = state.get("color");
    this.colored = this.data.field(element("color").value);
    this.hidden = new Set(numbers("hide"));
    element("filter").value = state.get("filter") ?? "";
    if (state.has("show"))
      for (const name of Object.keys(this.map.options))
        element(`show-${name}`).checked = this.map.options[name] = state.get("show").split(",").includes(name);
    for (const [name, value] of state)
      if (name.startsWith("c.")) this.properties.set(name.slice(2), value.split(",").map(Number));
    for (const name of ["A", "B"]) {
      const code = numbers(name, this.z.length);
      if (code) this.dispatchEvent(new CustomEvent("end", { detail: { name, code } }));
    }
    const view = numbers("view", 3);
    if (view) this.map.look({ x: view[0], y: view[1], half: view[2] });
    const z = numbers("z", this.z.length);
    this.set(z ?? this.z, { pinned: Boolean(z) });
    this.isolated = this.selected = this.polygon = null;
    this.wait(this.paint());
    const flat = numbers("lasso");
    const polygon = flat && Array.from({ length: flat.length >> 1 }, (_, i) => flat.slice(2 * i, 2 * i + 2));
    if (flat) this.map.select(polygon);
    if (flat && state.has("only")) this.isolate(true);
  }
}

const count = (number) => number.toLocaleString("en");

const percents = (share) =>
  share < 0.01 ? "less than 1%" : share > 0.99 ? "more than 99%" : `${Math.round(100 * share)}%`;

/** The values of the first and the last color of numbers: without a few extremes, which would hide the rest. Of
    p-values they are the largest and the least, so that what is unusual is bright. */
const numberEnds = ({ values, scale }) => {
  const sorted = Float32Array.from(values).filter(Number.isFinite).sort();
  return (scale === "p-value" ? [1, 0] : [0.01, 0.99]).map((share) => sorted[Math.round(share * (sorted.length - 1))]);
};

/** The index of a color of each point, and the colors. */
function colors(field) {
  if (field.kind === "class") {
    const palette = field.classes.map((_, i) => CLASSES[i % CLASSES.length]);
    return {
      index: Array.from(field.values, (value) => Math.min(value, palette.length)),
      palette: [...palette, UNKNOWN],
    };
  }
  const measure = field.scale === "p-value" ? Math.log : Number;
  const [first, last] = numberEnds(field).map(measure);
  const share = (value) => (measure(value) - first) / (last - first || 1);
  const place = (value) => Math.round(63 * Math.min(Math.max(share(value), 0), 1));
  const palette = Array.from({ length: 64 }, (_, i) => mixed(i / 63));
  return {
    index: Array.from(field.values, (value) => (Number.isFinite(value) ? place(value) : 64)),
    palette: [...palette, UNKNOWN],
  };
}

function mixed(share) {
  const at = share * (SCALE.length - 1);
  const first = Math.min(Math.floor(at), SCALE.length - 2);
  const parts = [SCALE[first], SCALE[first + 1]].map((color) =>
    [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)),
  );
  const value = (i) => Math.round(parts[0][i] + (parts[1][i] - parts[0][i]) * (at - first));
  return `#${[0, 1, 2].map((i) => value(i).toString(16).padStart(2, "0")).join("")}`;
}

export const page = new Page();

const isDark = () =>
  (document.documentElement.dataset.theme ??
    (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const themed = () => {
  element("theme").textContent = isDark() ? "Light theme" : "Dark theme";
  page.map?.restyle();
};
element("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  themed();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);
themed();

page.wait(page.open()).then(() => page.idle());
