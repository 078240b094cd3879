/* The data of the page: page.json and the arrays that it names. */

const ARRAYS = { u8: Uint8Array, u16: Uint16Array, f32: Float32Array };
const UNKNOWN = 255; // index of an unknown class

async function fetched(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name} is not in the folder of this page (${response.status}): write it again.`);
  return response;
}

export const fetchFacts = async () => (await fetched("page.json")).json();
export const fetchBytes = async (name) => new Uint8Array(await (await fetched(name)).arrayBuffer());
const fetchArray = async (name, type = name.split(".").pop()) =>
  new ARRAYS[type](await (await fetched(name)).arrayBuffer());

/** Codes on the plane of the map: point = axes (code - center), code = center + axes^T point. */
export class Plane {
  constructor({ center, axes, names, extent, grid }) {
    Object.assign(this, { center, axes, names, extent, grid });
  }

  point(code) {
    return this.axes.map((axis) => axis.reduce((sum, value, d) => sum + value * (code[d] - this.center[d]), 0));
  }

  code([x, y]) {
    return Float32Array.from(this.center, (value, d) => value + this.axes[0][d] * x + this.axes[1][d] * y);
  }
}

export class Data {
  static async load(facts) {
    const names = ["codes.u16", "neighbors.f32", "support.f32"];
    const [stored, neighbors, support] = await Promise.all(names.map((name) => fetchArray(name)));
    const pictures = await fetchArray("pictures.bin", facts.pictures.dtype);
    const fields = await Promise.all(
      facts.fields.map(async (field) => ({ ...field, values: numbers(field, await fetchArray(field.file)) })),
    );
    return new Data(facts, { stored, neighbors, support, pictures, fields });
  }

  constructor(facts, { stored, neighbors, support, pictures, fields }) {
    Object.assign(this, { facts, neighbors, support, pictures, fields });
    this.num = facts.num;
    this.dim = facts.latent_dim;
    this.plane = new Plane(facts.plane);
    const { low, step } = facts.codes;
    this.codes = Float32Array.from(stored, (value, i) => low[i % this.dim] + step[i % this.dim] * value);
    this.x = new Float32Array(this.num);
    this.y = new Float32Array(this.num);
    for (let i = 0; i < this.num; ++i) [this.x[i], this.y[i]] = this.plane.point(this.code(i));
  }

  code(i) {
    return this.codes.subarray(i * this.dim, (i + 1) * this.dim);
  }

  /** The distance to the nearest training code, its number, and the fraction of codes that are farther from theirs. */
  nearest(z) {
    let [best, index] = [Infinity, 0];
    for (let i = 0, at = 0; i < this.num; ++i, at += this.dim) {
      let sum = 0;
      for (let d = 0; d < this.dim && sum < best; ++d) sum += (this.codes[at + d] - z[d]) ** 2;
      if (sum < best) [best, index] = [sum, i];
    }
    const distance = Math.sqrt(best);
    return { distance, index, support: 1 - countBelow(this.neighbors, distance) / this.neighbors.length };
  }

  /** The row of a point in the examples of the user. */
  row(i) {
    return Math.floor((i * this.facts.total) / this.num);
  }

  /** The code of a place on the map that differs from the code of the nearest point there only in the plane. */
  codeNear([x, y]) {
    let [best, index] = [Infinity, 0];
    for (let i = 0; i < this.num; ++i) {
      const distance = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (distance < best) [best, index] = [distance, i];
    }
    const [dx, dy] = [x - this.x[index], y - this.y[index]];
    const [first, second] = this.plane.axes;
    return this.code(index).map((value, d) => value + first[d] * dx + second[d] * dy);
  }

  /** Number of the example of picture k. */
  pictured(k) {
    return Math.floor((k * this.num) / this.facts.pictures.num);
  }

  /** Numbers of the pictures whose codes are nearest, and their distances. */
  nearestPictures(z, count) {
    const found = Array.from({ length: this.facts.pictures.num }, (_, k) => {
      const at = this.pictured(k) * this.dim;
      let sum = 0;
      for (let d = 0; d < this.dim; ++d) sum += (this.codes[at + d] - z[d]) ** 2;
      return { k, distance: Math.sqrt(sum) };
    });
    return found.sort((a, b) => a.distance - b.distance).slice(0, count);
  }

  /** The values of picture k. */
  picture(k) {
    const size = this.facts.event_shape.reduce((product, length) => product * length, 1);
    const values = this.pictures.subarray(k * size, (k + 1) * size);
    if (this.facts.pictures.dtype !== "u8") return values;
    const [low, high] = this.facts.limits;
    return Float32Array.from(values, (value) => low + ((high - low) * value) / 255);
  }

  field(name) {
    return this.fields.find((field) => field.name === name);
  }

  /** What a field says about a point, in words. */
  said(field, i) {
    const value = field.values[i];
    if (field.kind === "class") return value === UNKNOWN ? "unknown" : field.classes[value];
    return Number.isFinite(value) ? value.toPrecision(3) : "unknown";
  }

  /** A function of the number of a point that says whether a filter shows it: "3", "digit=3", "error > 0.05, row < 9".
      A word selects the class of that name, or else all classes that contain it. */
  filter(text) {
    const terms = text.match(/[^<>=,&]+(?:<=|>=|<|>|=)[^<>=,&]+|[^,&]+/g) ?? [];
    const tests = terms
      .map((term) => term.trim())
      .filter(Boolean)
      .map((term) => this.test(term));
    return tests.length ? (i) => tests.every((test) => test(i)) : null;
  }

  test(term) {
    const [, name, sign, wanted] = term.match(/^(.*?)\s*(<=|>=|<|>|=)\s*(.*)$/) ?? [];
    const named = (field) => !sign || field.name.toLowerCase().includes(name.toLowerCase());
    const number = wanted ? Number(wanted) : NaN;
    if (sign && !Number.isNaN(number)) {
      const near = 0.5 / 10 ** (wanted.split(".")[1] ?? "").length; // "0.3" is each number that is 0.3 when rounded
      const compare = {
        "<": (a) => a < number,
        ">": (a) => a > number,
        "<=": (a) => a <= number,
        ">=": (a) => a >= number,
        "=": (a) => Math.abs(a - number) <= near,
      }[sign];
      const row = { name: "row", kind: "number", at: (i) => this.row(i) };
      const numeric = [...this.fields, row].filter(({ kind, classes }) => kind === "number" || areNumbers(classes));
      const field = numeric.find(named);
      if (field) return (i) => compare(field.at?.(i) ?? this.number(field, i));
    }
    if (sign && sign !== "=") throw new Error(`There are no numbers for the filter ${term}`);
    const value = (wanted ?? term).toLowerCase();
    const matches = [(each) => each === value, (each) => each.includes(value)]; // the very class, or part of its name
    for (const match of matches)
      for (const field of this.fields.filter((each) => each.kind === "class" && named(each))) {
        const found = new Set(field.classes.flatMap((each, index) => (match(each.toLowerCase()) ? [index] : [])));
        if (found.size) return (i) => found.has(field.values[i]);
      }
    throw new Error(`There is no class for the filter ${term}`);
  }

  /** The value of a point in a field whose values, or classes, are numbers. */
  number(field, i) {
    return field.kind === "number" ? field.values[i] : Number(field.classes[field.values[i]]);
  }
}

/** The values of a field: indices of classes, or the numbers that were stored in 16 bits, with NaN for unknown ones. */
function numbers({ kind, range: [low, high] = [] }, stored) {
  if (kind === "class") return stored;
  return Float32Array.from(stored, (value) => (value === 65535 ? NaN : low + ((high - low) * value) / 65534));
}

const areNumbers = (classes) => classes.every((each) => !Number.isNaN(Number(each)));

/** The fraction of a standard normal prior that is farther from 0 than z: P(chi^2_D > |z|^2). */
export function fartherOut(z) {
  const half = z.reduce((sum, value) => sum + value * value, 0) / 2;
  // Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), from a = 1/2 or 1
  let [a, term] = z.length % 2 ? [0.5, 2 * Math.sqrt(half / Math.PI) * Math.exp(-half)] : [1, half * Math.exp(-half)];
  let sum = z.length % 2 ? erfc(Math.sqrt(half)) : Math.exp(-half);
  for (; a < z.length / 2; ++a, term *= half / a) sum += term;
  return sum;
}

/* Chebyshev's approximation with a relative error below 1.2e-7: Press et al. 1992, "Numerical recipes in C", 6.2. */
function erfc(x) {
  const t = 1 / (1 + x / 2);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ];
  return t * Math.exp(-x * x + coefficients.reduceRight((sum, value) => sum * t + value, 0));
}

/** The fraction of samples of a prior, a mixture of diagonal normals, that are less likely than z. */
export function lessLikely(z, mixture) {
  return countBelow(mixture.log_probs, logProb(z, mixture)) / mixture.log_probs.length;
}

/** log sum_k weights_k N(z; loc_k, diag(scale_k^2)) */
export function logProb(z, { weights, loc, scale }) {
  const term = (k, value, d) => ((value - loc[k][d]) / scale[k][d]) ** 2 / 2 + Math.log(scale[k][d]);
  const start = (z.length * Math.log(2 * Math.PI)) / 2;
  const logs = weights.map(
    (weight, k) => Math.log(weight) - z.reduce((sum, value, d) => sum + term(k, value, d), start),
  );
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
}

/** Number of sorted values that are below a value. */
function countBelow(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
