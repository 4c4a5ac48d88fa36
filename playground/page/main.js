// The page: one state, which all parts show, and the loop.
const FRAME_BUDGET = 9;  // milliseconds of training in a frame

class Playground {
  constructor(engine) {
    this.engine = engine;
    this.choices = engine.choices;
    this.playing = false;
    this.changed = true;
    this.frames = [];  // milliseconds of work of the last ones
    this.thumbPoints = Object.fromEntries(this.choices.data.map((name) => {
      engine.start(`data=${name}&seed=7`);
      return [name, engine.points().slice(0, 3 * 240)];
    }));
    this.readAddress();
    readColours();
    this.network = new NetworkView(this);
    this.output = new OutputView(this);
    this.lossChart = new Curves("losses", (i) => [{ colour: colours.train, label: word("train_loss") }, { colour: colours.test, label: word("test_loss") }][i]);
    this.gradientChart = new Curves("gradients", (i, count) => ({
      colour: colours.layers[Math.round(i * 6 / Math.max(1, count - 1))],
      label: i === count - 1 ? word("output_node") : String(i + 1),
    }));
    this.controls = new Controls(this);
    this.listen();
    this.built();
    requestAnimationFrame((now) => this.frame(now));
  }

  // ---- settings ----

  readAddress() {
    const text = decodeURIComponent(location.hash.slice(1));
    const parts = text.split("&").filter(Boolean);
    const own = Object.fromEntries(parts.filter((part) => /^(lang|theme|play)=/.test(part)).map((part) => part.split("=")));
    if (own.lang in WORDS) language = own.lang;
    if (own.theme) document.documentElement.dataset.theme = own.theme;
    this.ownParts = own;
    const asked = parts.filter((part) => !/^(lang|theme|play)=/.test(part)).join("&");
    const wrong = this.engine.start(asked);
    this.trouble(wrong);
    if (wrong) this.engine.start("");
    this.takeSettings();
    if (own.play === "1") this.playing = true;
  }

  takeSettings() {
    this.settings = Object.fromEntries(this.engine.settings().split("&").map((part) => part.split("=")));
    this.features = this.settings.features.split(",").map((name) => this.choices.features.indexOf(name));
    this.layers = this.settings.layers ? this.settings.layers.split(",").map(Number) : [];
    this.sizes = [this.features.length, ...this.layers, 1];
    this.mapCount = this.sizes.reduce((sum, size) => sum + size, 0);
    this.points = this.engine.points();
    this.history = { epochs: [], train: [], test: [], norms: this.sizes.slice(1).map(() => []) };
    this.take();
  }

  /** Begins anew with some settings changed; what cannot be is said, and all stays. */
  change(some) {
    const wanted = { ...this.settings, ...some };
    if (wanted.batch_norm === "1" && Number(wanted.batch) < 2) wanted.batch = "2";
    const wrong = this.engine.start(Object.entries(wanted).map((pair) => pair.join("=")).join("&"));
    this.trouble(wrong);
    if (!wrong) this.takeSettings();
    this.controls.show();
    this.writeAddress();
    this.built();
  }

  writeAddress() {
    const own = { lang: language, theme: this.ownParts.theme };
    const parts = Object.entries(own).filter(([, value]) => value).map((pair) => pair.join("="));
    history.replaceState(null, "", `#${[this.engine.settings(), ...parts].join("&")}`);
  }

  trouble(text) {
    const line = document.getElementById("problem-line");
    line.hidden = !text;
    line.textContent = text || "";
  }

  toggleFeature(index) {
    const wanted = this.features.includes(index) ? this.features.filter((one) => one !== index) : [...this.features, index].sort((a, b) => a - b);
    if (wanted.length) this.change({ features: wanted.map((one) => this.choices.features[one]).join(",") });
  }

  resizeLayer(layer, change) {
    const layers = [...this.layers];
    layers[layer] = Math.max(1, Math.min(this.choices.mostUnits, layers[layer] + change));
    this.change({ layers: layers.join(",") });
  }

  addLayer(change) {
    const layers = change > 0 ? [...this.layers, this.layers.at(-1) ?? 4] : this.layers.slice(0, -1);
    if (layers.length <= this.choices.mostLayers) this.change({ layers: layers.join(",") });
  }

  /** The layout after a change of settings, language or size. */
  built() {
    document.getElementById("layer-count").textContent = word("hidden", this.layers.length);
    document.getElementById("fewer-layers").disabled = this.layers.length === 0;
    document.getElementById("more-layers").disabled = this.layers.length >= this.choices.mostLayers;
    document.getElementById("language").textContent = word("other_language");
    this.showPlaying();
    this.network.build();
    this.changed = true;
  }

  nameOfMap(map) {
    let column = 0;
    while (map >= this.sizes[column]) map -= this.sizes[column++];
    return column === 0 ? this.choices.features[this.features[map]] : word("neuron", column, map + 1);
  }

  // ---- training ----

  // Reads the numbers, and notes them once in an epoch.
  take() {
    this.numbers = this.engine.numbers(this.sizes);
    const { epoch, train, test, norms, batch } = this.numbers, log = this.history;
    if (batch === 0 && log.epochs.at(-1) !== epoch) {
      log.epochs.push(epoch);
      log.train.push(train);
      log.test.push(test);
      norms.forEach((norm, layer) => log.norms[layer].push(epoch === 0 ? NaN : norm));
      if (log.epochs.length > 4000) for (const list of [log.epochs, log.train, log.test, ...log.norms]) thin(list);
    }
    this.changed = true;
  }

  /** Trains to the end of the epoch, or for so many milliseconds. */
  train(budget) {
    const begin = performance.now();
    do {
      const wrong = this.engine.step(4);
      if (wrong) {
        this.trouble(wrong);
        this.playing = false;
        break;
      }
      this.take();
    } while (this.numbers.batch !== 0 && performance.now() - begin < budget);
    if (this.playing && !Number.isFinite(this.numbers.train)) {
      this.trouble(word("diverged"));
      this.play(false);
    }
  }

  play(on) {
    this.playing = on;
    this.showPlaying();
    if (on) return;
    const { epoch, train, test } = this.numbers;
    document.getElementById("status").textContent = word("paused", epoch, short(train), short(test));
  }

  showPlaying() {
    const button = document.getElementById("play"), label = word(this.playing ? "pause" : "play");
    button.setAttribute("aria-pressed", String(this.playing));
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  restart(seed) {
    this.change(seed === undefined ? {} : { seed: String(seed) });
  }

  setWeight(layer, to, from, value) {
    const wrong = this.engine.setWeight(layer, to, from, value);
    this.trouble(wrong);
    this.take();
  }

  // ---- the loop ----

  frame(now) {
    const begin = performance.now();
    if (this.playing) this.train(FRAME_BUDGET);
    if (this.changed) this.draw();
    this.frames.push({ at: now, work: performance.now() - begin });
    if (this.frames.length > 600) this.frames.shift();
    requestAnimationFrame((next) => this.frame(next));
  }

  draw() {
    this.changed = false;
    const maps = this.engine.maps(this.mapCount);
    this.network.draw(this.numbers, maps, this.playing);
    this.output.draw(maps, this.network.hovered);
    const { epoch, train, test } = this.numbers, log = this.history;
    document.getElementById("epoch").textContent = epoch.toLocaleString("en");
    document.getElementById("train-loss").textContent = short(train);
    document.getElementById("test-loss").textContent = short(test);
    this.lossChart.draw(log.epochs, [log.train, log.test]);
    this.gradientChart.draw(log.epochs, log.norms);
  }

  listen() {
    const click = (id, act) => document.getElementById(id).addEventListener("click", act);
    click("play", () => this.play(!this.playing));
    click("step", () => { this.play(false); this.train(Infinity); });
    click("reset", () => { this.play(false); this.restart(); });
    click("fresh", () => this.restart((Number(this.settings.seed) + 1) % 1000));
    click("fewer-layers", () => this.addLayer(-1));
    click("more-layers", () => this.addLayer(1));
    click("language", () => {
      language = language === "en" ? "ko" : "en";
      speak();
      this.controls.make();
      this.writeAddress();
      this.built();
    });
    click("theme", () => {
      document.documentElement.dataset.theme = this.ownParts.theme = isDark() ? "light" : "dark";
      this.writeAddress();
      this.recolour();
    });
    for (const id of ["show-test", "discretise"]) document.getElementById(id).addEventListener("change", () => { this.changed = true; });
    addEventListener("resize", () => this.built());
    addEventListener("hashchange", () => {
      this.readAddress();
      this.recolour();
      speak();
      this.controls.make();
      this.built();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    listenForProgram(this);
  }

  recolour() {
    readColours();
    this.controls.show();
    this.changed = true;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, select, textarea")) return;
    const act = { " ": "play", s: "step", r: "reset", e: "program" }[event.key.toLowerCase()];
    if (!act || (event.key === " " && event.target.closest("button"))) return;
    event.preventDefault();
    document.getElementById(act).click();
  }
}

// Leaves every other one out, and keeps the last.
function thin(list) {
  const kept = list.filter((_, i) => (list.length - 1 - i) % 2 === 0);
  list.splice(0, list.length, ...kept);
}

(async () => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = dark.matches ? "dark" : "light";
  language = (navigator.language || "en").startsWith("ko") ? "ko" : "en";
  try {
    const playground = new Playground(await Engine.load());
    speak();
    playground.built();
    dark.addEventListener("change", () => {
      if (playground.ownParts.theme) return;
      root.dataset.theme = dark.matches ? "dark" : "light";
      playground.recolour();
    });
    window.playground = playground;
  } catch (error) {
    speak();
    const line = document.getElementById("problem-line");
    line.hidden = false;
    line.textContent = `${word("unusable")}: ${error.message}`;
  }
})();
