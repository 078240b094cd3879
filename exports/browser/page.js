/* The page: a control for each input of a decoder, and a canvas for each image. */

const EACH = "each"; // an option: image i has class i, and classes repeat after the last one
const MOST_SLIDERS = 16; // of a code
const MOST_DECODED = 100; // images of a code, one per class
const UNSAID = ["1", "same as the data"]; // units without information
const element = (id) => document.getElementById(id);

/** The outputs of the decoder behind the canvases: arrays of Float32Array. */
export const drawn = { pictures: [], decoded: [] };

let decoder;
let properties = {}; // {name: its control, of `choice` or `sliders`}
let code = []; // the sliders of the code

// Tasks run in order, because a decoder runs one call at a time.

let line = Promise.resolve();
let waiting = false; // whether a draw task is queued

function enqueue(task) {
  document.body.ariaBusy = "true";
  const mine = line.then(task).catch(fail);
  line = mine;
  mine.then(() => {
    if (line === mine) document.body.ariaBusy = "false";
  });
}

/** Queues one draw task, which includes all changes of the controls until it starts. */
function drawSoon() {
  if (waiting || !decoder) return;
  waiting = true;
  enqueue(draw);
}

function say(sentence, role = "status") {
  Object.assign(element("message"), { textContent: sentence, hidden: !sentence, role });
}

function fail(error) {
  for (const id of ["pictures", "decoded"]) paint(id, [], []); // no images rather than images of other values
  say(error.message, "alert");
}

// Opening a file.

async function fetchBytes(path) {
  const url = new URL(path, location.href);
  if (url.origin !== location.origin)
    throw new Error(`The decoder must come from ${location.origin}. Received: ${path}`);
  const response = await fetch(url, { cache: "no-store" }); // a new export may have an older date
  if (!response.ok) throw new Error(`There is no ${path} here (${response.status}). Choose a local file.`);
  return response.arrayBuffer();
}

/** Opens a decoder; `read` is an async function that returns its bytes. */
async function open(name, read) {
  for (const id of ["settings", "from-seed", "from-code"]) element(id).hidden = true;
  for (const id of ["name", "facts"]) element(id).textContent = "";
  decoder?.close();
  decoder = undefined;
  say(`Loading ${name} …`);
  const { Decoder } = await import("./decoder.js").catch((error) => {
    throw new Error(`LiteRT.js is not here. Run npm install in the folder of this page. (${error.message})`);
  });
  const content = new Uint8Array(await read());
  decoder = await Decoder.open(content);
  const { model, producer, signatures, omitted } = decoder.metadata;
  const [height, width, channels] = size();
  const shape = decoder.picture.shape.slice(1);
  if (shape.length < 2 || shape.length > 3 || ![1, 3].includes(channels))
    throw new Error(`The decoder must return gray or RGB images. It returns values of shape ${shape.join(", ")}.`);
  makeControls();
  if (!signatures.generate && !code.length)
    throw new Error(`The decoder has no seed, and too many sliders: its codes have ${decoder.code.shape[1]} numbers.`);
  const kilobytes = Math.ceil(content.length / 1000).toLocaleString("en");
  const cannot = signatures.generate ? "" : ` It only decodes codes: ${omitted.generate}`;
  element("name").textContent = name;
  element("facts").textContent = `${model}, ${width} × ${height} pixels, ${kilobytes} kB, by ${producer}.${cannot}`;
  element("settings").hidden = false;
  for (const part of document.querySelectorAll(".of-seed")) part.hidden = !signatures.generate;
  element("from-code").hidden = !code.length;
  await draw();
}

/** Height, width and number of channels of an image. */
const size = () => [...decoder.picture.shape.slice(1), 1].slice(0, 3);

// Controls: each has `parts`, elements for the page, and reads the value for picture i.

function make(tag, fields, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

function makeControls() {
  properties = {};
  for (const [name, note] of Object.entries(decoder.properties))
    properties[name] = note.dtype === "int32" ? choice(name, note) : sliders(name, note);
  element("properties").replaceChildren(...Object.values(properties).flatMap(({ parts }) => parts));
  const length = decoder.code.shape[1] <= MOST_SLIDERS ? decoder.code.shape[1] : 0;
  code = Array.from({ length }, (_, i) => slider(`z-${i}`, `z ${i + 1}`, -3, 3, ""));
  element("code").replaceChildren(...code.map(({ part }) => part));
  element("unit").textContent = `Each from −3 to 3, in ${decoder.code.unit}.`;
}

function choice(name, note) {
  const labels = (note.labels ?? Array.from({ length: note.range[1] + 1 }, (_, label) => label)).map(String);
  const each = make("option", { value: EACH }, "each in turn");
  const options = labels.map((label, value) => make("option", { value }, label));
  const select = make("select", { id: `property-${name}` }, each, ...options);
  const turns = () => select.value === EACH;
  return {
    parts: [make("div", { className: "field" }, make("label", { htmlFor: select.id }, name), select)],
    read: (i) => (turns() ? i % labels.length : Number(select.value)),
    labels,
    turns,
  };
}

function sliders(name, note) {
  const length = note.shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  const all = Array.from({ length }, (_, i) => {
    const [low, high] = [0, 1].map((end) => note.range?.[end] ?? [note.typical?.[end]].flat()[i] ?? [-3, 3][end]);
    const unit = UNSAID.includes(note.unit) ? "" : note.unit;
    return slider(`property-${name}-${i}`, length === 1 ? name : `${name} ${i + 1}`, low, high, unit);
  });
  const read = () => all.map(({ input }) => input.valueAsNumber);
  return { parts: all.map(({ part }) => part), read, turns: () => false };
}

function slider(id, name, low, high, unit) {
  const input = make("input", { id, type: "range", min: low, max: high, step: "any" });
  const output = make("output", { htmlFor: id });
  const digits = Math.max(0, 2 - Math.floor(Math.log10(high - low || 1))); // enough to show a step of the slider
  const set = (value = input.value) => {
    input.value = value;
    output.value = input.ariaValueText = input.valueAsNumber.toFixed(digits);
  };
  input.addEventListener("input", () => set());
  set((low + high) / 2);
  input.setAttribute("aria-describedby", `${id}-range`);
  const texts = [Number(low.toFixed(digits)), unit, Number(high.toFixed(digits))];
  const range = make("span", { id: `${id}-range`, className: "range" }, ...texts.map((text) => make("span", {}, text)));
  const label = make("label", { htmlFor: id }, name);
  return { input, set, part: make("div", { className: "field slider" }, label, output, input, range) };
}

// Drawing.

async function draw() {
  waiting = false;
  if (!decoder) return; // the last file could not be opened
  if (decoder.metadata.signatures.generate) {
    const seed = element("seed");
    seed.ariaInvalid = String(!seed.validity.valid);
    if (!seed.validity.valid) throw new Error(`The seed must be a whole number from ${seed.min} to ${seed.max}.`);
    const conditions = values(Number(element("num").value));
    paint("pictures", await decoder.generate(seed.valueAsNumber, conditions), captions(conditions));
  }
  if (code.length) {
    const classes = Object.values(properties).map((property) => (property.turns() ? property.labels.length : 1));
    const conditions = values(Math.min(Math.max(1, ...classes), MOST_DECODED));
    const numbers = code.map(({ input }) => input.valueAsNumber);
    paint("decoded", await decoder.decode(numbers, conditions), captions(conditions));
  }
  say("");
}

/** Returns the conditions of images 0 to `num` - 1. */
function values(num) {
  const of = (i) => Object.entries(properties).map(([name, property]) => [name, property.read(i)]);
  return Array.from({ length: num }, (_, i) => Object.fromEntries(of(i)));
}

/** Returns a caption for each image: the values that differ. */
function captions(conditions) {
  const turning = Object.entries(properties).filter(([, property]) => property.turns());
  return conditions.map((values) => turning.map(([name, { labels }]) => labels[values[name]]).join(", "));
}

function paint(id, pictures, captions) {
  drawn[id] = pictures;
  const [low, high] = limits(pictures);
  const figures = pictures.map((x, number) => {
    const [height, width, channels] = size();
    const image = new ImageData(width, height); // values are rounded and clipped to [0, 255]
    for (let i = 0; i < image.data.length; ++i) {
      const value = x[Math.floor(i / 4) * channels + ((i % 4) % channels)];
      image.data[i] = i % 4 === 3 ? 255 : (255 * (value - low)) / (high - low || 1);
    }
    const caption = captions[number];
    const ariaLabel = caption ? `Picture ${number}: ${caption}` : `Picture ${number}`;
    const canvas = make("canvas", { width, height, role: "img", ariaLabel });
    canvas.getContext("2d").putImageData(image, 0, 0);
    const figure = make("figure", {}, canvas);
    if (caption) figure.append(make("figcaption", { ariaHidden: "true" }, caption));
    return figure;
  });
  element(id).replaceChildren(...figures);
}

/** Returns the values of black and white: from the file, or by default the minimum and the maximum. */
function limits(pictures) {
  const range = decoder?.picture.range ?? [null, null];
  if (!range.includes(null)) return range;
  const ends = [Math.min, Math.max].map((end) => pictures.map((x) => x.reduce((a, b) => end(a, b))));
  return [Math.min(...ends[0]), Math.max(...ends[1])];
}

element("controls").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["settings", "code"]) element(id).addEventListener("input", drawSoon);
element("another").addEventListener("click", () => {
  element("seed").value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1; // below 2 ** 31
  drawSoon();
});
element("zero").addEventListener("click", () => {
  for (const { set } of code) set(0);
  drawSoon();
});
element("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) enqueue(() => open(file.name, () => file.arrayBuffer()));
  target.value = ""; // so that the same file, exported again, can be chosen again
});
const path = new URLSearchParams(location.search).get("decoder") ?? "decoder.tflite";
enqueue(() => open(path, () => fetchBytes(path)));
