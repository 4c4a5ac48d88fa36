// The library: functions of C behind names of their own.
class Engine {
  static async load() {
    return new Engine(await AdjointPlayground());
  }

  constructor(module) {
    this.module = module;
    const text = (name, ...types) => module.cwrap(`playground_${name}`, "string", types);
    this.choices = JSON.parse(text("choices")());
    this.start = text("start", "string");
    this.settings = text("settings");
    this.step = text("step", "number");
    this.setWeight = text("set_weight", "number", "number", "number", "number");
    this.program = text("program", "number");
    this.side = module._playground_map_side();
    this.pointCount = module._playground_point_count();
  }

  /** Bytes of `count` maps, one after the other; good until the next call. */
  maps(count) {
    const at = this.module._playground_maps();
    return this.module.HEAPU8.subarray(at, at + count * this.side * this.side);
  }

  /** x1, x2 and the target of each point. */
  points() {
    const at = this.module._playground_points() / 4;
    return this.module.HEAPF32.slice(at, at + 3 * this.pointCount);
  }

  /** What there is to know of the training, for layers of these sizes, features first and output last. */
  numbers(sizes) {
    let at = this.module._playground_numbers() / 4;
    const heap = this.module.HEAPF32;
    const [epoch, batch, batches, train, test, trainCount] = heap.subarray(at, at + 6);
    at += 6;
    const layers = sizes.length - 1;
    const norms = Array.from(heap.subarray(at, at + layers));
    at += layers;
    const weights = [], biases = [];
    for (let layer = 0; layer < layers; ++layer) {
      const count = sizes[layer] * sizes[layer + 1];
      weights.push(heap.slice(at, at + count));
      biases.push(heap.slice(at + count, at + count + sizes[layer + 1]));
      at += count + sizes[layer + 1];
    }
    return { epoch, batch, batches, train, test, trainCount, norms, weights, biases };
  }
}
