/* Reads and runs the encoder and decoder in a .tflite file of keras_ae, in a browser.

   It is independent of the page. The import map in index.html locates LiteRT.js. */

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

const FORMAT = 1;
const ARRAYS = { float32: Float32Array, int32: Int32Array };
const RUNTIME = "./litert_wasm_compat_internal.js"; // beside LiteRT.js; it needs no relaxed SIMD, which Safari lacks
const NOTES = /^(INFO|WARNING): |^Failed to create default WebGPU device/; // LiteRT.js has them on console.error
let runtime; // the promise of LiteRT.js, which is loaded once

export class Model {
  /** Opens the bytes of a file (a Uint8Array), or throws an Error with a message for the user. */
  static async open(content) {
    const metadata = readMetadata(content);
    try {
      await start();
      return new Model(metadata, await loadAndCompile(content, { accelerator: "wasm" }));
    } catch (error) {
      throw new Error(`LiteRT.js cannot run the file: ${error?.message ?? "it could not be loaded itself."}`);
    }
  }

  constructor(metadata, compiled) {
    this.metadata = metadata;
    this.compiled = compiled;
    const { z, ...properties } = metadata.signatures.decode.inputs;
    this.code = z;
    this.properties = properties; // {name: description}
    this.example = metadata.signatures.decode.outputs.x;
    this.rows = this.example.shape[0]; // per call
    this.line = Promise.resolve(); // calls run one after another
  }

  /** Returns examples 0, 1, ... of a seed, an array of Float32Array; example i has conditions[i], {name: number(s)}. */
  async generate(seed, conditions) {
    if (!this.metadata.signatures.generate)
      throw new Error(
        `The file cannot generate from a seed. ${this.metadata.omitted.generate ?? "It gives no reason."}`,
      );
    const found = await this.call("generate", conditions, (row) => ({ seed: [seed], row: [row] }));
    return found.map(({ x }) => x);
  }

  /** Decodes codes, arrays of D numbers, each under its condition: an array of Float32Array. */
  async decode(codes, conditions) {
    return (
      await this.call(
        "decode",
        codes.map((z, i) => ({ z: [...z], ...conditions[i] })),
      )
    ).map(({ x }) => x);
  }

  /** Encodes examples, each under its condition: an array of Float32Array, the codes. */
  async encode(examples, conditions) {
    return (
      await this.call(
        "encode",
        examples.map((x, i) => ({ x: [...x], ...conditions[i] })),
      )
    ).map(({ z }) => z);
  }

  /** Outlier p-values of examples, each under its condition: an array of numbers, or `null` without a detector. */
  async pValues(examples, conditions) {
    if (!this.metadata.signatures.score) return null;
    const rows = examples.map((x, i) => ({ x: [...x], ...conditions[i] }));
    return (await this.call("score", rows)).map(({ p_value }) => p_value[0]);
  }

  /** Returns {output: Float32Array} for each row of inputs; `scalars` returns the inputs of a call without rows. */
  call(signature, rows, scalars = () => ({})) {
    const called = this.line.then(async () => {
      const found = [];
      for (let first = 0; first < rows.length; first += this.rows)
        found.push(...(await this.callOnce(signature, rows.slice(first, first + this.rows), scalars(first))));
      return found;
    });
    this.line = called.catch(() => {});
    return called;
  }

  /* The last row is repeated up to the file's number of rows. */
  async callOnce(signature, rows, numbers) {
    const filled = Array.from({ length: this.rows }, (_, i) => rows[Math.min(i, rows.length - 1)]);
    const inputs = {};
    let outputs = {};
    try {
      for (const [name, note] of Object.entries(this.metadata.signatures[signature].inputs))
        inputs[name] = makeTensor(name, note, numbers[name] ?? filled.map((values) => values[name]).flat());
      outputs = await this.compiled.run(signature, inputs);
      const found = rows.map(() => ({}));
      for (const [name, tensor] of Object.entries(outputs)) {
        const values = tensor.toTypedArray();
        if (!values.every(Number.isFinite)) throw new Error("The model returned NaN, because a value is invalid.");
        const size = values.length / this.rows;
        rows.forEach((_, i) => (found[i][name] = values.slice(i * size, (i + 1) * size)));
      }
      return found;
    } finally {
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.delete();
    }
  }

  /** Frees its memory. */
  close() {
    this.compiled.delete();
  }
}

/** Loads LiteRT.js, and lets its notes be notes. */
export function start() {
  for (const name of runtime ? [] : ["error", "warn"]) {
    const before = console[name];
    console[name] = (...said) => (NOTES.test(said[0]) ? console.debug : before)(...said);
  }
  return (runtime ??= loadLiteRt(new URL(RUNTIME, import.meta.resolve("@litertjs/core")).href));
}

/* Checks the values: a missing or invalid one would be rounded to another. */
function makeTensor(name, { dtype, shape, range }, numbers) {
  const [low, high] = range ?? [null, null];
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const allowed = (number) =>
    (dtype === "int32" ? Number.isInteger(number) : Number.isFinite(number)) &&
    number >= (low ?? -Infinity) &&
    number <= (high ?? Infinity);
  if (numbers.length === count && numbers.every(allowed)) return new Tensor(new ARRAYS[dtype](numbers), shape);
  const wanted = dtype === "int32" ? "whole numbers" : "numbers";
  const ends = range ? ` from ${low ?? "any"} to ${high ?? "any"}` : "";
  throw new Error(`${name} must be ${wanted}${ends}, ${count} in all. Received: ${numbers.map(String).join(", ")}`);
}

/** Returns the metadata of keras_ae in a .tflite file: ../device/README.md describes them. */
export function readMetadata(content) {
  let metadata;
  try {
    metadata = JSON.parse(readEntry(content, "keras_ae"));
  } catch (error) {
    throw new Error(`This could not be read as a .tflite file of keras_ae: ${error.message}`);
  }
  if (metadata?.format !== FORMAT)
    throw new Error(`The file must hold metadata of keras_ae, format ${FORMAT}: export the model again.`);
  return metadata;
}

/* Reads an entry of a FlatBuffer: a table begins with the distance to the list of its fields, and an omitted field has
   the offset 0. The numbers of the fields are from LiteRT's schema: Model.buffers 4, Model.metadata 6, Metadata.name 0,
   Metadata.buffer 1, Buffer.data 0. Offsets outside of the file throw a RangeError. */
function readEntry(content, wanted) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const text = new TextDecoder("utf-8", { fatal: true });
  const follow = (place) => place + view.getUint32(place, true);
  const field = (table, number) => {
    const fields = table - view.getInt32(table, true);
    const entry = 4 + 2 * number;
    const distance = entry < view.getUint16(fields, true) ? view.getUint16(fields + entry, true) : 0;
    return distance && table + distance;
  };
  const bytes = (place) => {
    const vector = follow(place);
    return new Uint8Array(view.buffer, view.byteOffset + vector + 4, view.getUint32(vector, true));
  };
  const member = (place, index) => follow(follow(place) + 4 + 4 * index);

  if (content.length < 8 || text.decode(content.subarray(4, 8)) !== "TFL3")
    throw new Error("it has another file identifier.");
  const model = follow(0);
  const entries = field(model, 6);
  for (let index = 0; entries && index < view.getUint32(follow(entries), true); ++index) {
    const entry = member(entries, index);
    if (text.decode(bytes(field(entry, 0))) !== wanted) continue;
    const number = field(entry, 1); // omitted for buffer 0
    return text.decode(bytes(field(member(field(model, 4), number && view.getUint32(number, true)), 0)));
  }
  throw new Error("it has no metadata. Export the model again.");
}
