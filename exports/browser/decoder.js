/* Reads and runs the decoder in a .tflite file of keras_ae, in a browser.

   It is independent of the page. The import map in index.html locates LiteRT.js. */

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

const FORMAT = 1;
const ARRAYS = { float32: Float32Array, int32: Int32Array };
let runtime; // the promise of LiteRT.js, which is loaded once

export class Decoder {
  /** Opens the decoder in the bytes of a file (a Uint8Array), or throws an Error with a message for the user. */
  static async open(content) {
    const metadata = readMetadata(content);
    try {
      runtime ??= loadLiteRt(new URL("../wasm/", import.meta.resolve("@litertjs/core")).href);
      await runtime;
      return new Decoder(metadata, await loadAndCompile(content, { accelerator: "wasm" }));
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
    this.picture = metadata.signatures.decode.outputs.x;
    this.rows = this.picture.shape[0]; // per call
  }

  /** Returns images 0, 1, ... of a seed, an array of Float32Array; image i has conditions[i], {name: number or numbers}. */
  async generate(seed, conditions) {
    if (!this.metadata.signatures.generate)
      throw new Error(`The file cannot generate from a seed. ${this.metadata.omitted.generate ?? "It gives no reason."}`);
    return this.draw("generate", conditions, (row) => ({ seed: [seed], row: [row] }));
  }

  /** Decodes a code of D numbers: an array of Float32Array; image i has conditions[i]. */
  decode(code, conditions) {
    return this.draw("decode", conditions, () => ({ z: Array(this.rows).fill(code).flat() }));
  }

  /** Splits conditions into calls; `numbers` returns the other inputs of the call that begins with a row. */
  async draw(signature, conditions, numbers) {
    const pictures = [];
    for (let row = 0; row < conditions.length; row += this.rows)
      pictures.push(...(await this.call(signature, conditions.slice(row, row + this.rows), numbers(row))));
    return pictures;
  }

  /** Returns the images of one call, one per condition. The last condition is repeated up to the file's number of rows. */
  async call(signature, conditions, numbers) {
    const filled = Array.from({ length: this.rows }, (_, i) => conditions[Math.min(i, conditions.length - 1)]);
    for (const name in this.properties) numbers[name] = filled.map((values) => values[name]).flat();
    const inputs = {};
    let outputs = {};
    try {
      for (const [name, note] of Object.entries(this.metadata.signatures[signature].inputs))
        inputs[name] = makeTensor(name, note, numbers[name]);
      outputs = await this.compiled.run(signature, inputs);
      const x = outputs.x.toTypedArray();
      if (!x.every(Number.isFinite)) throw new Error("The decoder returned NaN, because a value is invalid.");
      const size = x.length / this.rows;
      return conditions.map((_, i) => x.slice(i * size, (i + 1) * size));
    } finally {
      for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.delete();
    }
  }

  /** Frees its memory. */
  close() {
    this.compiled.delete();
  }
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
