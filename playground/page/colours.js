// The colours of the theme, and the table from a map's bytes to pixels.
const colours = { table: new Uint32Array(256), map: new Uint32Array(256), two: new Uint32Array(256) };

function channels(name) {
  const text = colours[name];
  return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
}

/** Reads the colours of the style sheet; to be called when the theme changes. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "card", "ink", "soft", "line", "grid", "accent", "positive", "negative", "zero", "test", "train"])
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  colours.layers = isDark() ? ["#f0913f", "#e8c547", "#6cc48c", "#3fb8c9", "#5aa6f2", "#a78bfa", "#f27fb2"]
                            : ["#d9691e", "#b8930f", "#2f9256", "#168a9c", "#2c6fbb", "#7150cf", "#c2397b"];
  const [zero, positive, negative] = ["zero", "positive", "negative"].map(channels);
  for (let i = 0; i < 256; ++i) {
    const value = (i - 128) / 127, end = value < 0 ? negative : positive;
    const share = Math.min(1, Math.abs(value)) ** 0.85;
    const mixed = (part) => {
      const [r, g, b] = zero.map((channel, c) => Math.round(channel + (end[c] - channel) * part));
      return (255 << 24) | (b << 16) | (g << 8) | r;
    };
    colours.table[i] = mixed(share);
    // The large map is paler, so that points stand out on it.
    colours.map[i] = mixed(0.68 * share);
    colours.two[i] = mixed(0.55);
  }
}

function isDark() {
  return document.documentElement.dataset.theme === "dark";
}

/** The canvas with a context in units of the page, as large as it is shown. */
function sized(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A number in few characters. */
function short(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size >= 100 ? value.toPrecision(3) : value.toFixed(size < 0.01 ? 4 : 3);
  return text.replace("-", "−");
}
