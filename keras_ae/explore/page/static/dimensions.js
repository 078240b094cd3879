/* A slider for each dimension of the code, the most informative first, with what it changes. */

import { slider } from "./properties.js";
import { make } from "./show.js";

const FIRST = 8; // dimensions that are shown at first
const STEPS = 7;

export function dimensions(page) {
  const { dimensions: all } = page.facts;
  const rows = all.map(({ index, kl, variance, low, high }) => {
    const said = kl === undefined ? `variance ${variance.toPrecision(2)}` : `KL ${kl.toFixed(2)} nats`;
    const control = slider(`z-${index}`, `z ${index + 1}`, low, high);
    const strip = make("div", { className: "strip" });
    control.part.append(make("span", { className: "hint" }, said));
    control.input.addEventListener("input", () => {
      const z = Float32Array.from(page.z);
      z[index] = control.input.valueAsNumber;
      page.set(z);
    });
    return { index, low, high, control, strip, part: make("div", { className: "dimension" }, control.part, strip) };
  });
  const more = make(
    "button",
    { type: "button", ariaExpanded: "false", hidden: rows.length <= FIRST },
    `All ${rows.length} dimensions`,
  );
  const showRows = (all) => rows.forEach(({ part }, i) => (part.hidden = !all && i >= FIRST));
  more.addEventListener("click", () => {
    const all = more.ariaExpanded !== "true";
    more.ariaExpanded = String(all);
    more.textContent = all ? "Fewer dimensions" : `All ${rows.length} dimensions`;
    showRows(all);
    page.wait(update());
  });
  showRows(false);
  const zero = make("button", { type: "button", id: "zero" }, "All zero");
  zero.addEventListener("click", () => page.set(new Float32Array(page.z.length)));

  page.addEventListener("code", () => {
    for (const { index, control } of rows) if (document.activeElement !== control.input) control.set(page.z[index]);
  });
  const update = async () => {
    for (const { index, low, high, strip, part, control } of rows) {
      control.set(page.z[index]);
      if (part.hidden) continue;
      const values = Array.from({ length: STEPS }, (_, i) => low + ((high - low) * i) / (STEPS - 1));
      const codes = values.map((value) => Float32Array.from(page.z, (old, d) => (d === index ? value : old)));
      const decoded = await page.model.decode(
        codes,
        codes.map(() => page.properties.read()),
      );
      strip.replaceChildren(
        ...decoded.map((x, i) => {
          const label = `z ${index + 1} = ${values[i].toFixed(1)}`;
          const button = make("button", { type: "button", title: label, ariaLabel: label }, page.show.canvas(x));
          button.addEventListener("click", () => page.set(codes[i]));
          return button;
        }),
      );
    }
  };
  const hint = make(
    "p",
    { className: "hint" },
    "Each row changes one dimension of the code and keeps the others. The first carries the most information.",
  );
  return {
    name: "dimensions",
    title: "Dimensions",
    on: ["code"],
    update,
    parts: [hint, ...rows.map(({ part }) => part), make("div", { className: "row" }, zero, more)],
  };
}
