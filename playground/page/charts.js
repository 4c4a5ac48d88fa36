// Curves over the epochs, on a logarithmic axis where they span more than a power of ten.
class Curves {
  constructor(id, style) {
    this.canvas = document.getElementById(id);
    this.style = style;  // of the number of a curve and of all: { colour, label }
  }

  draw(epochs, series) {
    const { context, width, height } = sized(this.canvas);
    const all = series.flat().filter((value) => Number.isFinite(value) && value > 0);
    const box = { left: 40, right: width - 10, top: 22, bottom: height - 18 };
    context.font = "10.5px system-ui, sans-serif";
    context.lineWidth = 1;
    const high = Math.max(1e-12, ...all), low = Math.min(high, ...all);
    const log = high / low > 10;
    const floor = log ? Math.max(low, high * 1e-6) : 0;
    const y = (value) => {
      const share = log ? Math.log(Math.max(value, floor) / floor) / Math.log(high / floor) : value / high;
      return box.bottom - share * (box.bottom - box.top);
    };
    const last = Math.max(1, epochs[epochs.length - 1] ?? 1);
    const x = (epoch) => box.left + epoch / last * (box.right - box.left);
    context.fillStyle = colours.soft;
    context.strokeStyle = colours.grid;
    context.textAlign = "right";
    for (const tick of log ? powers(floor, high) : ticks(high, 4)) {
      context.beginPath();
      context.moveTo(box.left, y(tick));
      context.lineTo(box.right, y(tick));
      context.stroke();
      context.fillText(shortTick(tick), box.left - 6, y(tick) + 3.5);
    }
    context.textAlign = "center";
    for (const tick of ticks(last, Math.max(2, Math.floor(width / 90)))) {
      const place = x(tick);
      if (place < box.right - 8) context.fillText(shortTick(tick), place, height - 4);
    }
    series.forEach((values, number) => {
      const { colour } = this.style(number, series.length);
      context.strokeStyle = colour;
      context.lineWidth = 1.8;
      context.lineJoin = "round";
      context.beginPath();
      let drawing = false;
      const each = Math.max(1, Math.floor(values.length / (2 * width)));
      for (let i = 0; i < values.length; i += each) {
        if (Number.isFinite(values[i])) context[drawing ? "lineTo" : "moveTo"](x(epochs[i]), y(values[i]));
        drawing = Number.isFinite(values[i]);
      }
      context.stroke();
    });
    this.legend(context, box.right, series.length);
  }

  legend(context, right, count) {
    context.textAlign = "left";
    let at = right;
    for (let number = count - 1; number >= 0; --number) {
      const { colour, label } = this.style(number, count);
      const width = context.measureText(label).width;
      at -= width;
      context.fillStyle = colours.soft;
      context.fillText(label, at, 10);
      context.fillStyle = colour;
      context.fillRect(at - 15, 5, 11, 3);
      at -= 27;
    }
  }
}

function ticks(high, count) {
  const rough = high / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough * 0.999);
  return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => i * step);
}

function powers(low, high) {
  const list = [], first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  for (let power = first; power <= last; power += Math.max(1, Math.ceil((last - first) / 4))) list.push(10 ** power);
  if (list.length > 2) return list;
  const between = [1, 2, 5].flatMap((digit) => Array.from({ length: last - first + 3 }, (_, i) => digit * 10 ** (first - 1 + i)));
  return between.filter((tick) => tick >= low && tick <= high);
}

function shortTick(value) {
  if (value >= 10000) return `${Number((value / 1000).toPrecision(3))}k`;
  return value !== 0 && value < 0.001 ? value.toExponential(0).replace("-", "−") : String(Number(value.toPrecision(3)));
}
