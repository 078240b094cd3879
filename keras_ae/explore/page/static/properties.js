/* Controls of the conditions of a model: a choice for classes, sliders for numbers. */

import { make } from "./show.js";

const UNSAID = ["1", "same as the data"]; // units without information

/** Makes the controls in an element, and returns {read, set, classes}. */
export function properties(model, place) {
  const controls = Object.fromEntries(
    Object.entries(model.properties).map(([name, note]) => [
      name,
      note.dtype === "int32" ? choice(name, note) : sliders(name, note),
    ]),
  );
  place.replaceChildren(...Object.values(controls).flatMap(({ parts }) => parts));
  return {
    names: Object.keys(controls),
    /** The condition that is set: {name: number or numbers}. */
    read: () => Object.fromEntries(Object.entries(controls).map(([name, { read }]) => [name, read()])),
    set: (name, values) => controls[name]?.set(values),
    /** {name: labels} of the properties with classes, {name: [low, high]} of single numbers. */
    labels: Object.fromEntries(
      Object.entries(controls)
        .filter(([, { labels }]) => labels)
        .map(([name, { labels }]) => [name, labels]),
    ),
    ranges: Object.fromEntries(
      Object.entries(controls)
        .filter(([, { range }]) => range)
        .map(([name, { range }]) => [name, range]),
    ),
  };
}

function choice(name, note) {
  const labels = (note.labels ?? Array.from({ length: note.range[1] + 1 }, (_, label) => label)).map(String);
  const select = make("select", { id: `property-${name}` }, ...labels.map((label, value) => new Option(label, value)));
  const set = ([value]) => {
    if (Number.isInteger(value) && value >= 0 && value < labels.length) select.value = value;
  };
  return {
    parts: [make("label", { className: "field" }, `${title(name, note)} `, select)],
    read: () => Number(select.value),
    set,
    labels,
  };
}

function sliders(name, note) {
  const length = note.shape.slice(1).reduce((product, size) => product * size, 1);
  const ends = (i) => [0, 1].map((end) => note.range?.[end] ?? [note.typical?.[end]].flat()[i] ?? [-3, 3][end]);
  const unit = UNSAID.includes(note.unit) ? "" : ` ${note.unit}`;
  const all = Array.from({ length }, (_, i) =>
    slider(`property-${name}-${i}`, title(name, note) + (length > 1 ? ` ${i + 1}` : ""), ...ends(i), unit),
  );
  return {
    parts: all.map(({ part }) => part),
    read: () => (length === 1 ? all[0].input.valueAsNumber : all.map(({ input }) => input.valueAsNumber)),
    set: (values) => values.forEach((value, i) => Number.isFinite(value) && all[i]?.set(value)),
    range: length === 1 ? ends(0) : undefined,
  };
}

export function slider(id, name, low, high, unit = "") {
  const input = make("input", { id, type: "range", min: low, max: high, step: "any" });
  const output = make("output", { htmlFor: id });
  const digits = Math.max(0, 2 - Math.floor(Math.log10(high - low || 1))); // enough to show a step of the slider
  const set = (value) => {
    input.value = value;
    const shown = Number(input.valueAsNumber.toFixed(digits)) || 0; // not -0
    output.value = input.ariaValueText = shown.toFixed(digits) + unit;
  };
  input.addEventListener("input", () => set(input.value));
  set((low + high) / 2);
  return {
    input,
    set,
    part: make("div", { className: "slider" }, make("label", { htmlFor: id }, name), output, input),
  };
}

/** The name of a property; of a single class its description, such as "Digit." */
export function title(name, note) {
  if (name === "condition" && note.dtype === "int32") return note.description.replace(/\.$/, "");
  return name[0].toUpperCase() + name.slice(1);
}
