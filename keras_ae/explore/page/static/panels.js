/* The tools beside the map, one tab each. */

import { dimensions } from "./dimensions.js";
import { path } from "./path.js";
import { title } from "./properties.js";
import { download, make } from "./show.js";
import { yours } from "./yours.js";

const DELAY = 120; // milliseconds without a change, before many examples are decoded
const MOST_SAMPLES = 100;

export function makePanels(page) {
  const tabs = document.getElementById("tabs");
  const panels = document.getElementById("panels");
  const made = [dimensions, conditions, path, samples, yours, selection]
    .map((tool) => tool(page))
    .filter(Boolean)
    .map(({ name, title, parts, update, on = [] }) => {
      const tab = make("button", { type: "button", role: "tab", id: `tab-${name}`, textContent: title });
      const panel = make("div", { role: "tabpanel", id: `panel-${name}`, tabIndex: -1 }, ...parts);
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("aria-labelledby", tab.id);
      let timer;
      const soon = () => {
        clearTimeout(timer);
        if (!panel.hidden && update) timer = setTimeout(() => page.wait(update()), DELAY);
      };
      for (const event of on) page.addEventListener(event, soon);
      return { tab, panel, soon };
    });
  const open = (chosen) => {
    for (const { tab, panel, soon } of made) {
      const isChosen = tab === chosen;
      tab.ariaSelected = String(isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      panel.hidden = !isChosen;
      if (isChosen) soon();
    }
  };
  tabs.replaceChildren(...made.map(({ tab }) => tab));
  panels.replaceChildren(...made.map(({ panel }) => panel));
  tabs.addEventListener("click", ({ target }) => target.role === "tab" && open(target));
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const place = made.findIndex(({ tab }) => tab === document.activeElement);
    const next = made[(place + step + made.length) % made.length].tab;
    open(next);
    next.focus();
    event.preventDefault();
  });
  page.openTab = (name) => open(document.getElementById(`tab-${name}`));
  page.addEventListener("select", () => page.openTab("selection"));
  open(made[0].tab);
}

const hint = (text) => make("p", { className: "hint" }, text);
const figure = (picture, caption) => make("figure", {}, picture, make("figcaption", {}, caption));

/** The same code under every class, and along every number. */
function conditions(page) {
  const { labels, ranges } = page.properties;
  const names = [...Object.keys(labels), ...Object.keys(ranges)];
  if (!names.length) return null;
  const rows = Object.fromEntries(names.map((name) => [name, make("div", { className: "grid" })]));
  const update = async () => {
    for (const name of names) {
      const [low, high] = ranges[name] ?? [];
      const values = labels[name]
        ? labels[name].map((_, i) => i)
        : Array.from({ length: 7 }, (_, i) => low + ((high - low) * i) / 6);
      const given = values.map((value) => ({ ...page.properties.read(), [name]: value }));
      const decoded = await page.model.decode(
        given.map(() => page.z),
        given,
      );
      const said = values.map((value) =>
        labels[name] ? labels[name][value] : Number(value.toPrecision(3)).toString(),
      );
      rows[name].replaceChildren(
        ...decoded.map((x, i) => figure(page.show.canvas(x, { label: `${name} ${said[i]}` }), said[i])),
      );
    }
  };
  const parts = names.flatMap((name) => [make("h3", {}, title(name, page.model.properties[name])), rows[name]]);
  return {
    name: "conditions",
    title: "Conditions",
    on: ["code"],
    update,
    parts: [hint("The same code under each condition: what stays is style."), ...parts],
  };
}

/** Samples of the prior. */
function samples(page) {
  if (!page.model.metadata.signatures.generate) return null;
  const seed = make("input", {
    id: "seed",
    type: "number",
    min: 0,
    max: 2147483647,
    step: 1,
    value: 7,
    required: true,
  });
  const count = make(
    "select",
    { id: "count" },
    ...[12, 24, 48, MOST_SAMPLES].map((number) => new Option(number, number, number === 24, number === 24)),
  );
  const another = make("button", { type: "button", id: "another" }, "Another seed");
  const grid = make("div", { className: "grid", id: "samples" });
  const problem = make("p", { className: "far", role: "alert", hidden: true });
  const update = async () => {
    problem.hidden = seed.validity.valid;
    seed.ariaInvalid = String(!seed.validity.valid);
    problem.textContent = seed.validity.valid ? "" : "The seed must be a whole number from 0 to 2147483647.";
    if (!seed.validity.valid) return grid.replaceChildren();
    const given = page.properties.read();
    const drawn = await page.model.generate(
      seed.valueAsNumber,
      Array.from({ length: Number(count.value) }, () => given),
    );
    page.drawn = drawn;
    grid.replaceChildren(
      ...drawn.map((x, i) => {
        const button = make(
          "button",
          { type: "button", ariaLabel: `Sample ${i}: encode it`, title: "Encode it, and find it on the map" },
          page.show.canvas(x),
        );
        button.addEventListener("click", () =>
          page.wait(page.model.encode([x], [page.properties.read()]).then(([z]) => page.set(z))),
        );
        return button;
      }),
    );
  };
  for (const control of [seed, count]) control.addEventListener("input", () => page.wait(update()));
  another.addEventListener("click", () => {
    seed.value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1; // below 2 ** 31
    page.wait(update());
  });
  document.getElementById("properties").addEventListener("input", () => grid.checkVisibility() && page.wait(update()));
  const row = make(
    "div",
    { className: "row" },
    make("label", {}, "Seed ", seed),
    another,
    make("label", {}, "Number ", count),
  );
  return {
    name: "samples",
    title: "Samples",
    update,
    parts: [
      hint("Samples of the prior. The same seed gives the same samples in Keras: model.sample(…, seed=7)."),
      row,
      problem,
      grid,
    ],
  };
}

/** The points of a lasso: what they are, a name, and a CSV file of all named selections. */
function selection(page) {
  const saved = []; // {name, indices}
  const about = make(
    "p",
    { id: "selected", role: "status" },
    "Nothing is selected: choose Lasso above the map, and draw around points.",
  );
  const table = make("tbody");
  const shares = make(
    "table",
    { className: "counts", hidden: true },
    make("caption", { className: "hidden" }, "Classes of the selection"),
    table,
  );
  const pictures = make("div", { className: "grid" });
  const label = make("input", { id: "selection-name", type: "text", placeholder: "name", autocomplete: "off" });
  const button = (text, click, fields = {}) => {
    const made = make("button", { type: "button", disabled: true, ...fields }, text);
    made.addEventListener("click", click);
    return made;
  };
  const current = () => page.selected ?? [];
  const isolate = button("Show only these", () => page.isolate(!page.isolated));
  isolate.ariaPressed = "false";
  const save = button("Keep", () => {
    const name = label.value.trim() || `selection ${saved.length + 1}`;
    saved.push({ name, indices: current(), polygon: page.polygon });
    label.value = "";
    list.replaceChildren(
      ...saved.map(({ name, indices, polygon }) => {
        const chip = make(
          "button",
          { type: "button", className: "chip" },
          `${name} (${indices.length.toLocaleString("en")})`,
        );
        chip.addEventListener("click", () => page.select(indices, polygon));
        return chip;
      }),
    );
    get.disabled = false;
  });
  const clear = button("Clear", () => {
    page.isolated = null;
    page.select([]);
  });
  const csv = () => {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const sets = saved.length ? saved : [{ name: "selection", indices: current() }];
    const { fields, x, y } = page.data;
    const head = ["selection", "row", "x", "y", ...fields.map(({ name }) => name)];
    const lines = sets.flatMap(({ name, indices }) =>
      indices.map((i) => [name, page.data.row(i), x[i], y[i], ...fields.map((field) => page.data.said(field, i))]),
    );
    return [head, ...lines].map((line) => line.map(String).map(quoted).join(",")).join("\n") + "\n";
  };
  page.csv = csv;
  const get = button("Download CSV", () => download("selections.csv", csv(), "text/csv"), { id: "csv" });
  const list = make("div", { className: "row" });
  const update = async () => {
    const indices = current();
    for (const each of [isolate, save, clear]) each.disabled = !indices.length;
    isolate.ariaPressed = String(Boolean(page.isolated));
    get.disabled = !indices.length && !saved.length;
    shares.hidden = !indices.length;
    about.textContent = indices.length
      ? `${indices.length.toLocaleString("en")} of ${page.data.num.toLocaleString("en")} points`
      : "Nothing is selected: choose Lasso above the map, and draw around points.";
    const field = page.colored.kind === "class" ? page.colored : page.data.fields.find(({ kind }) => kind === "class");
    const counts = new Map();
    if (field)
      for (const i of indices) counts.set(page.data.said(field, i), (counts.get(page.data.said(field, i)) ?? 0) + 1);
    const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 5);
    table.replaceChildren(
      ...most.map(([name, number]) => {
        const bar = make("span", { className: "bar" });
        bar.style.width = `${(100 * number) / indices.length}%`;
        return make(
          "tr",
          {},
          make("th", { scope: "row" }, `${field.name} ${name}`),
          make("td", {}, bar),
          make("td", {}, number.toLocaleString("en")),
        );
      }),
    );
    const inside = new Set(indices);
    const chosen = Array.from({ length: page.facts.pictures.num }, (_, k) => k).filter((k) =>
      inside.has(page.data.pictured(k)),
    );
    pictures.replaceChildren(
      ...chosen
        .slice(0, 20)
        .map((k) =>
          page.show.canvas(page.data.picture(k), { label: `Example ${page.data.row(page.data.pictured(k))}` }),
        ),
    );
  };
  const row = make("div", { className: "row" }, make("label", {}, "Name ", label), save, isolate, clear, get);
  return { name: "selection", title: "Selection", on: ["select"], update, parts: [about, shares, pictures, row, list] };
}
