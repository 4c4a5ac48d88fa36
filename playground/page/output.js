// The large map with the points on it.
class OutputView {
  constructor(playground) {
    this.playground = playground;
    this.canvas = document.getElementById("output");
    this.note = document.getElementById("map-note");
    this.small = document.createElement("canvas");
    this.middle = document.createElement("canvas");
  }

  /** Draws the map of a neuron, the output's if it is the last. */
  draw(maps, map) {
    const { engine, mapCount, numbers, points } = this.playground;
    const { context, width } = sized(this.canvas);
    const side = engine.side, last = map === null || map === mapCount - 1;
    const shown = map ?? mapCount - 1;
    const table = document.getElementById("discretise").checked ? colours.two : colours.map;
    if (!this.picture) {
      this.picture = new ImageData(side, side);
      this.pixels = new Uint32Array(this.picture.data.buffer);
      this.small.width = this.small.height = side;
      this.middle.width = this.middle.height = 2 * side;
    }
    for (let i = 0, at = shown * side * side; i < side * side; ++i) this.pixels[i] = table[maps[at++]];
    this.small.getContext("2d").putImageData(this.picture, 0, 0);
    // In two steps, which is smoother than one.
    const middle = this.middle.getContext("2d");
    middle.drawImage(this.small, 0, 0, this.middle.width, this.middle.width);
    context.drawImage(this.middle, 0, 0, width, width);
    const place = (value) => (value + 6) / 12 * width;
    this.drawAxes(context, width, place);
    if (document.getElementById("show-test").checked) this.drawPoints(context, points, numbers.trainCount, engine.pointCount, place, true);
    this.drawPoints(context, points, 0, numbers.trainCount, place, false);
    this.note.hidden = last;
    if (!last) this.note.textContent = this.playground.nameOfMap(shown);
  }

  drawAxes(context, width, place) {
    context.strokeStyle = colours.soft;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(place(0), 0);
    context.lineTo(place(0), width);
    context.moveTo(0, width - place(0));
    context.lineTo(width, width - place(0));
    context.stroke();
    context.globalAlpha = 0.8;
    context.fillStyle = colours.ink;
    context.font = "10px system-ui, sans-serif";
    for (const value of [-5, 5]) {
      const text = String(value).replace("-", "−");
      context.fillText(text, place(value) - 5, width - place(0) + 12);
      context.fillText(text, place(0) + 4, width - place(value) + 3);
    }
    context.globalAlpha = 1;
  }

  drawPoints(context, points, from, to, place, test) {
    const width = place(6), radius = width < 260 ? 2.4 : 3.1;
    const styles = Array.from({ length: 9 }, (_, i) => {
      const pixel = colours.table[Math.round(128 + (i - 4) / 4 * 127)];
      return `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
    });
    context.lineWidth = test ? 1.4 : 1.1;
    context.strokeStyle = test ? colours.ink : colours.card;
    for (let i = from; i < to; ++i) {
      const target = Math.max(-1, Math.min(1, points[3 * i + 2]));
      context.beginPath();
      context.arc(place(points[3 * i]), width - place(points[3 * i + 1]), radius, 0, 2 * Math.PI);
      context.fillStyle = styles[Math.round((target + 1) * 4)];
      context.fill();
      context.stroke();
    }
  }
}
