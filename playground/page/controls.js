// What is chosen: selects, sliders and data sets, made of the engine's lists.
const RATES = ["0.00001", "0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10"];
const PENALTY_RATES = ["0", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1"];

class Controls {
  constructor(playground) {
    this.playground = playground;
    this.fields = {};
    this.thumbs = [];
    this.make();
  }

  make() {
    const { choices } = this.playground;
    const row = document.getElementById("choices"), beside = document.getElementById("data-choices");
    row.replaceChildren();
    beside.replaceChildren();
    const named = (names) => names.map((name) => [name, word(name)]);
    const plain = (names) => names.map((name) => [name, name]);
    this.select(row, "rate", plain(RATES));
    this.select(row, "activation", named(choices.activation));
    this.select(row, "optimizer", named(choices.optimizer));
    this.select(row, "init", named(choices.init));
    this.select(row, "penalty", named(choices.penalty));
    this.select(row, "penalty_rate", plain(PENALTY_RATES));
    this.select(row, "dropout", ["0", "10", "20", "30", "50"].map((share) => [share, `${share} %`]));
    this.select(row, "batch_norm", [["0", word("off")], ["1", word("on")]]);
    this.select(row, "problem", named(["classification", "regression"]));
    this.slider(beside, "noise", 0, choices.mostNoise, 5, "%");
    this.slider(beside, "train", 10, 90, 10, "%");
    this.slider(beside, "batch", 1, choices.mostBatch, 1, "");
    this.show();
  }

  select(parent, key, options) {
    const label = document.createElement("label"), name = document.createElement("span"), field = document.createElement("select");
    label.className = "choice";
    name.textContent = word(key);
    field.id = `choice-${key}`;
    field.append(...options.map(([value, text]) => new Option(text, value)));
    field.addEventListener("change", () => {
      if (key === "problem") this.playground.change({ data: this.dataSets(field.value)[0] });
      else this.playground.change({ [key]: field.value });
    });
    label.append(name, field);
    parent.append(label);
    this.fields[key] = field;
  }

  slider(parent, key, low, high, step, unit) {
    const label = document.createElement("label"), line = document.createElement("span"), name = document.createElement("b");
    const shown = document.createElement("output"), field = document.createElement("input");
    label.className = "slider";
    name.textContent = word(key);
    name.style.fontWeight = "400";
    Object.assign(field, { type: "range", min: low, max: high, step, id: `choice-${key}` });
    line.append(name, shown);
    label.append(line, field);
    parent.append(label);
    field.addEventListener("input", () => this.playground.change({ [key]: field.value }));
    this.fields[key] = field;
    field.show = () => {
      shown.textContent = `${field.value}${unit && ` ${unit}`}`;
      field.style.setProperty("--filled", `${(field.value - low) / (high - low) * 100}%`);
    };
  }

  dataSets(problem) {
    const { choices } = this.playground;
    return choices.data.filter((_, i) => Boolean(choices.classes[i]) === (problem === "classification"));
  }

  problem() {
    const { choices, settings } = this.playground;
    return choices.classes[choices.data.indexOf(settings.data)] ? "classification" : "regression";
  }

  /** Shows what is set. */
  show() {
    const { settings } = this.playground;
    for (const [key, field] of Object.entries(this.fields)) {
      const value = key === "problem" ? this.problem() : settings[key];
      if (field.options && ![...field.options].some((option) => option.value === value)) field.append(new Option(value, value));
      field.value = value;
      field.show?.();
    }
    this.fields.penalty_rate.disabled = settings.penalty === "none";
    this.showDataSets();
  }

  showDataSets() {
    const { settings, thumbPoints } = this.playground;
    const sets = this.dataSets(this.problem()), parent = document.getElementById("data-sets");
    const had = parent.contains(document.activeElement);
    parent.replaceChildren(...sets.map((name) => {
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      const chosen = settings.data === name;
      button.className = "thumb";
      button.setAttribute("role", "radio");
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      button.append(canvas, document.createTextNode(word(name)));
      button.addEventListener("click", () => this.playground.change({ data: name }));
      button.addEventListener("keydown", (event) => {
        const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!move) return;
        event.preventDefault();
        this.playground.change({ data: sets[(sets.indexOf(name) + move + sets.length) % sets.length] });
      });
      drawThumb(canvas, thumbPoints[name]);
      return button;
    }));
    if (had) parent.querySelector('[aria-checked="true"]').focus();
  }
}

function drawThumb(canvas, points) {
  canvas.width = canvas.height = 128;
  const context = canvas.getContext("2d");
  for (let i = 0; i < points.length; i += 3) {
    const pixel = colours.table[Math.round(128 + Math.max(-1, Math.min(1, points[i + 2])) * 127)];
    context.fillStyle = `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;
    context.beginPath();
    context.arc((points[i] + 6) / 12 * 128, 128 - (points[i + 1] + 6) / 12 * 128, 3.4, 0, 2 * Math.PI);
    context.fill();
  }
}
