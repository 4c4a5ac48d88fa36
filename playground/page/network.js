// The network: where neurons and lines are, how they are drawn, and what a click on one of them does.
class NetworkView {
  constructor(playground) {
    this.playground = playground;
    this.stage = document.getElementById("network");
    this.canvas = document.getElementById("edges");
    this.nodes = document.getElementById("nodes");
    this.inspector = document.getElementById("inspector");
    this.tip = document.getElementById("tip");
    this.atlas = document.createElement("canvas");
    this.hovered = null;  // the number of a map
    this.opened = null;   // { layer, unit }
    this.phase = 0;
    this.stage.addEventListener("pointermove", (event) => this.point(event));
    this.stage.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", (event) => this.clickEdge(event));
    this.inspector.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close(true);
      event.stopPropagation();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.inspector.hidden && !this.stage.contains(event.target)) this.close(false);
    });
  }

  /** Places all anew, after a change of the network, the language or the page's size. */
  build() {
    const { sizes, choices, features } = this.playground;
    const width = this.stage.clientWidth;
    const columns = sizes.length;  // features, hidden layers, output
    const left = width < 520 ? 62 : 64, right = width < 520 ? 4 : 18;
    const gap = (width - left - right) / Math.max(1, columns - 0.55);
    const side = this.side = Math.max(20, Math.min(38, gap * 0.62, (this.stage.clientHeight - 40) / 8 - 6));
    const top = 32, pitch = Math.min(side + 12, (this.stage.clientHeight - top - 6) / 8);
    const focus = document.activeElement?.dataset?.node;
    this.nodes.replaceChildren();
    this.places = [];  // by column: {x, y, map, of}
    let map = 0;
    const add = (x, y, label, pressed) => {
      const button = document.createElement("button");
      button.className = "node";
      button.style.cssText = `left:${x - side / 2}px;top:${y - side / 2}px;width:${side}px;height:${side}px`;
      button.setAttribute("aria-label", label);
      if (pressed !== undefined) button.setAttribute("aria-pressed", pressed);
      this.nodes.append(button);
      return button;
    };
    const hover = (button, number) => {
      button.dataset.node = String(number);
      for (const kind of ["pointerenter", "focus"]) button.addEventListener(kind, () => this.hover(number));
      for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, () => this.hover(null));
    };
    const middle = top + 4 * pitch;
    // All features have a place; those in use are the first layer.
    const first = [];
    choices.features.forEach((name, index) => {
      const x = left, y = top + (index + 0.5) * pitch * 8 / choices.features.length;
      const used = features.indexOf(index);
      const button = add(x, y, word("feature", name), String(used >= 0));
      button.addEventListener("click", () => this.playground.toggleFeature(index));
      const label = document.createElement("span");
      label.className = "node-label";
      label.style.cssText = `right:${width - x + side / 2 + 6}px;top:${y}px`;
      label.innerHTML = featureLabel(name);
      label.setAttribute("aria-hidden", "true");
      this.nodes.append(label);
      if (used >= 0) {
        first[used] = { x, y, map: used };
        hover(button, used);
      } else {
        button.dataset.node = `off${index}`;
        first.off = [...(first.off ?? []), { x, y }];
      }
    });
    this.places.push(first);
    map = features.length;
    this.label(left, word("features"));
    for (let layer = 1; layer < columns; ++layer) {
      const last = layer === columns - 1, x = left + gap * layer;
      const column = [];
      for (let unit = 0; unit < sizes[layer]; ++unit, ++map) {
        const y = middle + (unit - (sizes[layer] - 1) / 2) * pitch;
        const button = add(x, y, last ? word("output_node") : word("neuron", layer, unit + 1));
        button.setAttribute("aria-haspopup", "dialog");
        hover(button, map);
        button.addEventListener("click", () => this.open(layer, unit, -1));
        column.push({ x, y, map });
      }
      this.places.push(column);
      if (last) this.label(x, word("output_node"));
      else this.counter(x, layer);
    }
    this.curves = this.listCurves();
    if (focus) this.nodes.querySelector(`[data-node="${focus}"]`)?.focus({ preventScroll: true });
    if (this.opened) this.close(false);
  }

  /** Whether columns stand so close that there is no room for words above them. */
  narrow() {
    return this.stage.clientWidth / this.playground.sizes.length < 62;
  }

  label(x, text) {
    if (this.narrow()) return;
    const label = document.createElement("span");
    label.className = "column-label";
    label.style.left = `${x}px`;
    label.textContent = text;
    this.nodes.append(label);
  }

  counter(x, layer) {
    const { sizes, choices } = this.playground;
    const group = document.createElement("div");
    group.className = "units";
    group.style.left = `${x}px`;
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", word("layer", layer));
    const button = (text, label, change, disabled, kind) => {
      const made = document.createElement("button");
      made.textContent = text;
      made.setAttribute("aria-label", label);
      made.dataset.node = `${kind}${layer}`;
      made.disabled = disabled;
      made.addEventListener("click", () => this.playground.resizeLayer(layer - 1, change));
      return made;
    };
    const narrow = this.narrow();
    const count = document.createElement("output");
    count.textContent = sizes[layer];
    group.append(button("−", word("fewer_units", layer), -1, sizes[layer] <= 1, "fewer"));
    if (!narrow) group.append(count);
    group.append(button("+", word("more_units", layer), 1, sizes[layer] >= choices.mostUnits, "more"));
    if (narrow) group.style.gap = "1px";
    this.nodes.append(group);
  }

  listCurves() {
    const curves = [], half = this.side / 2;
    for (let layer = 1; layer < this.places.length; ++layer)
      this.places[layer].forEach((to, unit) => this.places[layer - 1].forEach((from, input) => {
        const x0 = from.x + half + 1, x1 = to.x - half - 1, bend = (x1 - x0) * 0.5;
        curves.push({ layer, unit, input, x0, y0: from.y, x1, y1: to.y, bend });
      }));
    return curves;
  }

  weight(curve, numbers) {
    return numbers.weights[curve.layer - 1][curve.unit * this.places[curve.layer - 1].length + curve.input];
  }

  /** Draws lines and maps. */
  draw(numbers, maps, moving) {
    const { context } = sized(this.canvas);
    if (moving) this.phase = (this.phase + 0.6) % 1000;
    context.lineCap = "butt";
    for (const curve of this.curves) {
      const weight = this.weight(curve, numbers), size = Math.abs(weight);
      const lit = this.lit === curve;
      context.strokeStyle = weight >= 0 ? colours.positive : colours.negative;
      context.globalAlpha = lit ? 1 : Math.min(0.95, 0.22 + size * 0.45);
      context.lineWidth = Math.min(8, 0.6 + size * 1.7) + (lit ? 2 : 0);
      context.setLineDash([8, 2.5]);
      context.lineDashOffset = -this.phase;
      context.beginPath();
      context.moveTo(curve.x0, curve.y0);
      context.bezierCurveTo(curve.x0 + curve.bend, curve.y0, curve.x1 - curve.bend, curve.y1, curve.x1, curve.y1);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.setLineDash([]);
    this.drawMaps(context, maps, numbers);
  }

  // All maps are put into one picture, of which each neuron shows a part.
  drawMaps(context, maps, numbers) {
    const { engine, mapCount } = this.playground;
    const side = engine.side, across = 8, rows = Math.ceil(mapCount / across);
    if (!this.picture || this.picture.width !== side * across || this.picture.height !== side * rows) {
      this.picture = new ImageData(side * across, side * rows);
      this.pixels = new Uint32Array(this.picture.data.buffer);
      this.atlas.width = side * across;
      this.atlas.height = side * rows;
    }
    const { table } = colours, stride = side * across;
    for (let map = 0, at = 0; map < mapCount; ++map) {
      const corner = Math.floor(map / across) * side * stride + (map % across) * side;
      for (let row = 0; row < side; ++row)
        for (let column = 0, to = corner + row * stride; column < side; ++column) this.pixels[to++] = table[maps[at++]];
    }
    this.atlas.getContext("2d").putImageData(this.picture, 0, 0);
    const size = this.side, radius = Math.min(9, size / 4);
    this.places.forEach((column, layer) => {
      column.forEach(({ x, y, map }, unit) => {
        context.save();
        context.beginPath();
        context.roundRect(x - size / 2, y - size / 2, size, size, radius);
        context.clip();
        context.drawImage(this.atlas, (map % across) * side, Math.floor(map / across) * side, side, side,
                          x - size / 2, y - size / 2, size, size);
        context.restore();
        const marked = this.hovered === map || (this.opened?.layer === layer && this.opened?.unit === unit);
        context.lineWidth = marked ? 2.5 : 1.2;
        context.strokeStyle = marked ? colours.accent : colours.soft;
        context.beginPath();
        context.roundRect(x - size / 2, y - size / 2, size, size, radius);
        context.stroke();
        if (layer > 0) this.drawBias(context, x - size / 2, y + size / 2, numbers.biases[layer - 1][unit]);
      });
      for (const { x, y } of column.off ?? []) {
        context.lineWidth = 1.2;
        context.strokeStyle = colours.line;
        context.fillStyle = colours.zero;
        context.beginPath();
        context.roundRect(x - size / 2, y - size / 2, size, size, radius);
        context.fill();
        context.stroke();
      }
    });
  }

  drawBias(context, x, y, bias) {
    const [r, g, b] = channels(bias >= 0 ? "positive" : "negative");
    context.beginPath();
    context.arc(x + 1, y - 1, 4, 0, 2 * Math.PI);
    context.fillStyle = colours.card;
    context.fill();
    context.fillStyle = `rgba(${r}, ${g}, ${b}, ${Math.min(1, 0.25 + Math.abs(bias) * 0.75)})`;
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = colours.soft;
    context.stroke();
  }

  hover(map) {
    this.hovered = map;
    this.playground.changed = true;
  }

  // The line nearest to a place, if one is near.
  nearest(x, y) {
    let best = null, least = 7 * 7;
    for (const curve of this.curves) {
      if (x < curve.x0 - 4 || x > curve.x1 + 4) continue;
      for (let i = 1; i < 16; ++i) {
        const t = i / 16, s = 1 - t;
        const px = s * s * s * curve.x0 + 3 * s * s * t * (curve.x0 + curve.bend) + 3 * s * t * t * (curve.x1 - curve.bend) + t * t * t * curve.x1;
        const py = (s * s * s + 3 * s * s * t) * curve.y0 + (3 * s * t * t + t * t * t) * curve.y1;
        const distance = (px - x) ** 2 + (py - y) ** 2;
        if (distance < least) [best, least] = [curve, distance];
      }
    }
    return best;
  }

  point(event) {
    const box = this.stage.getBoundingClientRect();
    const curve = event && event.target === this.canvas ? this.nearest(event.clientX - box.left, event.clientY - box.top) : null;
    this.tip.hidden = !curve;
    this.canvas.style.cursor = curve ? "pointer" : "";
    if (curve) {
      this.tip.textContent = `${word("weight")} ${short(this.weight(curve, this.playground.numbers))}`;
      this.tip.style.left = `${event.clientX - box.left}px`;
      this.tip.style.top = `${event.clientY - box.top}px`;
    }
    if (this.lit !== curve) this.playground.changed = true;
    this.lit = curve;
  }

  clickEdge(event) {
    const box = this.stage.getBoundingClientRect();
    const curve = this.nearest(event.clientX - box.left, event.clientY - box.top);
    if (curve) this.open(curve.layer, curve.unit, curve.input);
    else this.close(false);
  }

  /** Opens the numbers of a neuron, with the one from `input` chosen, the bias if it is -1. */
  open(layer, unit, input) {
    const { numbers, choices, features, sizes } = this.playground;
    this.opened = { layer, unit };
    const inputs = this.places[layer - 1].length;
    const title = document.createElement("h3");
    title.id = "inspector-title";
    title.textContent = layer === sizes.length - 1 ? word("output_node") : word("neuron", layer, unit + 1);
    const close = document.createElement("button");
    close.className = "close";
    close.textContent = "✕";
    close.setAttribute("aria-label", word("close"));
    close.addEventListener("click", () => this.close(true));
    this.inspector.replaceChildren(title, close);
    const row = (from, text, value) => {
      const label = document.createElement("label"), name = document.createElement("span"), field = document.createElement("input");
      name.innerHTML = text;
      field.type = "number";
      field.step = "0.1";
      field.value = Number(value.toFixed(4));
      field.dataset.from = from;
      field.addEventListener("input", () => {
        if (field.value !== "") this.playground.setWeight(layer - 1, unit, from, Number(field.value));
      });
      label.append(name, field);
      this.inspector.append(label);
    };
    row(-1, word("bias"), numbers.biases[layer - 1][unit]);
    for (let from = 0; from < inputs; ++from) {
      const name = layer === 1 ? featureLabel(choices.features[features[from]]) : word("unit", from + 1);
      row(from, name, numbers.weights[layer - 1][unit * inputs + from]);
    }
    this.inspector.hidden = false;
    const { x, y } = this.places[layer][unit], box = this.inspector.getBoundingClientRect();
    const width = this.stage.clientWidth, height = this.stage.clientHeight;
    const beside = x + this.side / 2 + 10 + box.width <= width ? x + this.side / 2 + 10 : x - this.side / 2 - 10 - box.width;
    this.inspector.style.left = `${Math.max(0, Math.min(width - box.width, beside))}px`;
    this.inspector.style.top = `${Math.max(0, Math.min(height - box.height, y - 40))}px`;
    this.inspector.querySelector(`[data-from="${input}"]`).select();
    this.playground.changed = true;
  }

  close(back) {
    const opened = this.opened;
    this.inspector.hidden = true;
    this.opened = null;
    this.playground.changed = true;
    if (back && opened) this.nodes.querySelector(`[data-node="${this.places[opened.layer][opened.unit].map}"]`)?.focus();
  }
}

/** "x1^2" as it is written. */
function featureLabel(name) {
  return name.replace(/x(\d)(\^2)?/g, (_, index, square) => `<i>x</i><sub>${index}</sub>${square ? "²" : ""}`);
}
