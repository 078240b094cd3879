/* The path between two codes: linear or spherical, played, and saved as PNG or GIF. */

import { slider } from "./properties.js";
import { download, make } from "./show.js";

const STRIP = 9; // examples of the strip and of the PNG
const FRAMES = 24; // of a film, on the way there; it plays them backward, too
const SECONDS = 2; // of the way there
const LEAST = 224; // pixels of a film
const GRAYS = Array.from({ length: 256 }, (_, i) => [i, i, i]);

/** The code at t from a to b: on the line, or on the great circle, as `keras_ae.explore.interpolation`. */
export function between(a, b, t, method) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(Math.max(dot(a, b) / Math.max(lengths, 1e-12), -1), 1));
  const sine = Math.sin(angle);
  const weights =
    method === "linear" || sine < 1e-6 || lengths < 1e-12
      ? [1 - t, t]
      : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return Float32Array.from(a, (value, i) => weights[0] * value + weights[1] * b[i]);
}

export function path(page) {
  page.ends = {};
  const method = make("select", { id: "method" }, new Option("linear", "linear"), new Option("spherical", "spherical"));
  const control = slider("t", "From A to B", 0, 1);
  const play = make("button", { type: "button", id: "play", ariaPressed: "false" }, "Play");
  const png = make("button", { type: "button", id: "png" }, "Save PNG");
  const gif = make("button", { type: "button", id: "gif" }, "Save GIF");
  const about = make("p", { className: "hint", role: "status" });
  const strip = make("div", { className: "strip", id: "path" });
  const controls = [control.input, play, png, gif];
  const ready = () => page.ends.A && page.ends.B;

  const steps = (count) =>
    Array.from({ length: count }, (_, i) => between(page.ends.A, page.ends.B, i / (count - 1), method.value));
  const decode = (codes) =>
    page.model.decode(
      codes,
      codes.map(() => page.properties.read()),
    );

  const at = (t) => {
    control.set(t);
    return page.set(between(page.ends.A, page.ends.B, t, method.value));
  };
  const update = async () => {
    for (const each of controls) each.disabled = !ready();
    page.map.marks = Object.fromEntries(
      Object.entries(page.ends).map(([name, code]) => [name, page.plane.point(code)]),
    );
    page.map.path = ready() ? steps(40).map((code) => page.plane.point(code)) : [];
    page.map.drawSoon();
    about.textContent = ready()
      ? farthest(page, steps(STRIP))
      : `Set ${["A", "B"].filter((name) => !page.ends[name]).join(" and ")} where the map or the sliders show a code.`;
    if (!ready()) return;
    const decoded = await decode(steps(STRIP));
    strip.replaceChildren(...decoded.map((x, i) => page.show.canvas(x, { label: `${i} of ${STRIP - 1} from A to B` })));
  };
  const set = (name, code) => {
    page.ends[name] = Float32Array.from(code);
    control.set(name === "A" ? 0 : 1);
    page.openTab?.("path");
    page.remember();
    page.wait(update());
  };
  for (const name of ["A", "B"])
    document.getElementById(`mark-${name.toLowerCase()}`).addEventListener("click", () => set(name, page.z));
  page.addEventListener("end", ({ detail: { name, code } }) => set(name, code));
  method.addEventListener("input", () => page.wait(update()));
  control.input.addEventListener("input", () => at(control.input.valueAsNumber));

  let playing = false;
  play.addEventListener("click", async () => {
    playing = !playing;
    play.textContent = playing ? "Stop" : "Play";
    play.ariaPressed = String(playing);
    const begin = performance.now();
    while (playing && ready()) {
      const time = await new Promise(requestAnimationFrame);
      const phase = ((time - begin) / 1000 / SECONDS) % 2;
      await at(Math.max(0, phase > 1 ? 2 - phase : phase));
    }
  });
  png.addEventListener("click", () => page.wait(savePng()));
  gif.addEventListener("click", () => page.wait(saveGif()));

  /** Draws examples side by side, scaled up in whole pixels. */
  const sheet = (examples, scale) => {
    const canvases = examples.map((x) => page.show.canvas(x, { width: 160, height: 110 }));
    const [width, height] = [canvases[0].width * scale, canvases[0].height * scale];
    const made = make("canvas", { width: width * examples.length, height });
    const context = made.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white";
    context.fillRect(0, 0, made.width, made.height);
    context.imageSmoothingEnabled = false;
    canvases.forEach((canvas, i) => context.drawImage(canvas, i * width, 0, width, height));
    return made;
  };
  const scale = () => Math.max(1, Math.ceil(LEAST / (page.show.width ?? LEAST)));
  const savePng = async () => {
    const made = sheet(await decode(steps(STRIP)), Math.max(1, Math.ceil(112 / (page.show.width ?? 112))));
    page.saved = await new Promise((done) => made.toBlob(done, "image/png"));
    download("path.png", page.saved);
  };
  const saveGif = async () => {
    const { GIFEncoder, quantize, applyPalette } = await import("gifenc");
    const there = await decode(steps(FRAMES));
    const encoder = GIFEncoder();
    const isGray = page.show.kind === "image" && page.show.channels === 1;
    for (const x of [...there, ...there.slice(1, -1).reverse()]) {
      const made = sheet([x], scale());
      const { data } = made.getContext("2d").getImageData(0, 0, made.width, made.height);
      const palette = isGray ? GRAYS : quantize(data, 256);
      const index = isGray ? data.filter((_, i) => i % 4 === 0) : applyPalette(data, palette);
      encoder.writeFrame(index, made.width, made.height, { palette, delay: (1000 * SECONDS) / FRAMES });
    }
    encoder.finish();
    page.saved = new Blob([encoder.bytes()], { type: "image/gif" });
    download("path.gif", page.saved);
  };
  for (const each of controls) each.disabled = true;
  const row = make("div", { className: "row" }, make("label", {}, "Path ", method), play, png, gif);
  return { name: "path", title: "Path", update, parts: [about, row, control.part, strip] };
}

/** Says how far the path leads from the training codes. */
function farthest(page, codes) {
  const far = codes.filter((code) => page.data.nearest(code).support < page.facts.support.far).length;
  return far
    ? `No training code is near ${far} of ${codes.length} steps.`
    : `A training code is near each of ${codes.length} steps.`;
}
