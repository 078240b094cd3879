/* regl as a module: index.html loads it as a script, which defines createREGL. */
export default globalThis.createREGL;
