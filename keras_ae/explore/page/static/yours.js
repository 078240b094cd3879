/* An example of the user: drawn, dropped, chosen or typed; encoded, reconstructed, scored and placed on the map. */

import { make } from "./show.js";

const BRUSH = 0.045; // of the width of the drawing

export function yours(page) {
  const { show } = page;
  const results = make("div", { className: "grid three", id: "yours" });
  const about = make("p", { id: "score", role: "status" });
  const examine = async (x) => {
    const given = page.properties.read();
    const [z] = await page.model.encode([x], [given]);
    const [out] = await page.model.decode([z], [given]);
    const squares = Float32Array.from(x, (value, i) => (value - out[i]) ** 2);
    const error = squares.reduce((sum, value) => sum + value, 0) / x.length;
    const p = (await page.model.pValues([x], [given]))?.[0];
    page.yours = { x, z, out, error, p };
    const top = Math.max(...squares, 1e-9);
    const figures = [
      ["Input", x],
      ["Reconstruction", out],
      ...(show.kind === "image" ? [["Squared error", squares, [0, top]]] : []),
    ];
    results.replaceChildren(
      ...figures.map(([title, values, limits]) =>
        make(
          "figure",
          {},
          show.canvas(values, { label: title, limits, width: 160, height: 110 }),
          make("figcaption", {}, title),
        ),
      ),
    );
    about.className = p < 0.01 ? "far" : "";
    const found = p < 0.01 ? "an outlier. At most 1% of usual examples have one as small. " : "not an outlier at 1% false alarms. ";
    about.textContent =
      (p === undefined ? "" : `p-value ${Number(p.toPrecision(2))}: ${found}`) +
      `Reconstruction error ${error.toPrecision(3)}. The crosshair on the map is its code.`;
    await page.set(z);
  };
  const drawn = show.kind === "image" && !show.isVolume;
  const parts = drawn ? images(page, examine) : numbers(page, examine);
  return { name: "yours", title: drawn ? "Draw" : "Enter", parts: [...parts, about, results] };
}

function images(page, examine) {
  const { show } = page;
  const scale = Math.ceil(224 / Math.max(show.width, show.height));
  const canvas = make("canvas", {
    id: "drawing",
    className: "image",
    width: show.width * scale,
    height: show.height * scale,
    role: "img",
    ariaLabel: "Drawing",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const color = make("input", { id: "ink", type: "color", value: "#ffffff" });
  const blank = () => {
    context.fillStyle = "black";
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  blank();
  /** The drawing in the pixels of the model: means over squares of its pixels. */
  const read = () => {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const [low, high] = show.limits;
    const x = new Float32Array(show.width * show.height * show.channels);
    const weights =
      show.channels === 3
        ? [
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]
        : [[0.299, 0.587, 0.114]];
    for (let row = 0; row < canvas.height; ++row)
      for (let column = 0; column < canvas.width; ++column) {
        const from = 4 * (row * canvas.width + column);
        const to = show.channels * (Math.floor(row / scale) * show.width + Math.floor(column / scale));
        weights.forEach(([red, green, blue], channel) => {
          x[to + channel] += red * data[from] + green * data[from + 1] + blue * data[from + 2];
        });
      }
    return x.map((sum) => low + ((high - low) * sum) / (255 * scale * scale));
  };
  let reading = false;
  const soon = () => {
    if (reading) return (reading = "again");
    reading = true;
    return page.wait(
      examine(read()).finally(() => {
        const again = reading === "again";
        reading = false;
        if (again) soon();
      }),
    );
  };
  let last;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  };
  const line = (to) => {
    Object.assign(context, { strokeStyle: color.value, lineWidth: 2 * BRUSH * canvas.width, lineCap: "round" });
    context.beginPath();
    context.moveTo(...(last ?? to));
    context.lineTo(...to);
    context.stroke();
    last = to;
    soon();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    line(place(event));
  });
  canvas.addEventListener("pointermove", (event) => last && line(place(event)));
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = undefined));

  const open = async (file) => {
    let image;
    try {
      image = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} is no image that this browser can read.`);
    }
    const share = Math.min(canvas.width / image.width, canvas.height / image.height);
    blank();
    context.imageSmoothingEnabled = share < 1; // pixels that are enlarged stay squares
    context.drawImage(
      image,
      (canvas.width - image.width * share) / 2,
      (canvas.height - image.height * share) / 2,
      image.width * share,
      image.height * share,
    );
    await examine(read());
  };
  const chosen = make("input", { id: "file", type: "file", accept: "image/*" });
  chosen.addEventListener("change", () => {
    if (chosen.files[0]) page.wait(open(chosen.files[0]));
    chosen.value = "";
  });
  const clear = make("button", { type: "button" }, "Clear");
  clear.addEventListener("click", () => (blank(), soon()));
  const invert = make("button", { type: "button" }, "Invert");
  invert.addEventListener("click", () => {
    Object.assign(context, { globalCompositeOperation: "difference", fillStyle: "white" });
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "source-over";
    soon();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (!file) return;
    page.openTab("yours");
    page.wait(open(file));
  });
  const hint = make(
    "p",
    { className: "hint" },
    "Draw with mouse, finger or pen, or drop an image anywhere on this page. It stays in your browser.",
  );
  const row = make(
    "div",
    { className: "row" },
    make("label", {}, "Ink ", color),
    clear,
    invert,
    chosen,
    make("label", { htmlFor: "file", className: "button" }, "Open an image"),
  );
  return [hint, canvas, row];
}

function numbers(page, examine) {
  const size = page.facts.event_shape.reduce((product, length) => product * length, 1);
  const text = make("textarea", { id: "numbers", rows: 4, spellcheck: false });
  text.value = Array.from(page.data.picture(0), (value) => Number(value.toPrecision(4))).join(", ");
  const problem = make("p", { className: "far", role: "alert", hidden: true });
  const read = async () => {
    const values = text.value
      .split(/[\s,;]+/)
      .filter(Boolean)
      .map(Number);
    const right = values.length === size && values.every(Number.isFinite);
    problem.textContent = right
      ? ""
      : `There must be ${size} numbers. There are ${values.filter(Number.isFinite).length}.`;
    problem.hidden = right;
    if (right) await examine(Float32Array.from(values));
  };
  const button = make("button", { type: "button" }, "Encode");
  button.addEventListener("click", () => page.wait(read()));
  return [
    make("label", { className: "field" }, `${size} numbers, row by row`, text),
    make("div", { className: "row" }, button),
    problem,
  ];
}
