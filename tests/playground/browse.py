#!/usr/bin/env python3
"""Tries the playground's page in Chromium. usage: browse.py PAGE [FOLDER FOR SCREENSHOTS]"""
import json
import pathlib
import statistics
import sys

from browser import Browser

PAGE = pathlib.Path(sys.argv[1]).resolve().as_uri()
PICTURES = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else None
SPIRAL = "data=spiral&train=80&layers=8,8&activation=silu&optimizer=adam&rate=0.01&penalty=l2&penalty_rate=0.001"
# As in session_test.cpp: settings, most epochs, test loss.
SETS = [("data=circle&layers=4,4&optimizer=adam&rate=0.01", 60, 0.05),
        ("data=xor&layers=6,4&activation=silu&optimizer=adam&rate=0.01", 60, 0.1),
        ("data=gauss", 20, 0.05),
        (SPIRAL, 300, 0.05),
        ("data=plane", 20, 0.02),
        ("data=hills&train=80&layers=8,8&optimizer=adam&rate=0.01", 150, 0.05)]
LARGEST = ("data=spiral&features=x1,x2,x1^2,x2^2,x1x2,sin(x1),sin(x2)&layers=8,8,8,8,8,8&activation=silu"
           "&optimizer=adam&rate=0.003&init=he")
FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def expect(holds, what):
    if not holds:
        raise SystemExit(f"browse: {what}")


def picture(browser, name):
    browser.evaluate(FRAME)
    if PICTURES:
        PICTURES.mkdir(parents=True, exist_ok=True)
        browser.screenshot(PICTURES / f"{name}.png")


def quiet(browser, where):
    expect(not browser.said, f"{where}: the console says {browser.said}")


def learns(browser):
    for settings, epochs, most in SETS:
        browser.open(f"{PAGE}#{settings}&lang=en")
        # One epoch for each frame, as the page plays it.
        epoch, loss = browser.evaluate(f"""(async () => {{
            playground.play(true);
            while (playground.numbers.epoch < {epochs} && playground.numbers.test >= {most}) await {FRAME};
            playground.play(false);
            return [playground.numbers.epoch, playground.numbers.test];
        }})()""")
        print(f"{settings}: test loss {loss:.4f} at epoch {epoch}", flush=True)
        expect(loss < most, f"{settings} has not learned")
        quiet(browser, settings)


def frames(browser):
    """What a frame costs, which is printed, since a busy machine has its own; that there are frames is asserted."""
    for name, settings in (("default", ""), ("spiral 8-8", SPIRAL), ("six layers of eight", LARGEST)):
        browser.open(f"{PAGE}#{settings}&lang=en" if settings else f"{PAGE}#lang=en")
        work, gaps, epochs = json.loads(browser.evaluate("""(async () => {
            playground.play(true);
            await new Promise((done) => setTimeout(done, 500));
            playground.frames.length = 0;
            const before = playground.numbers.epoch;
            await new Promise((done) => setTimeout(done, 2000));
            playground.play(false);
            const list = [...playground.frames];
            return JSON.stringify([list.map((frame) => frame.work), list.slice(1).map((frame, i) => frame.at - list[i].at),
                                   playground.numbers.epoch - before]);
        })()"""))
        expect(work and epochs > 0, f"{name}: no frames in two seconds")
        print(f"{name}: {1000 / statistics.median(gaps):.0f} frames a second, of which training and drawing take "
              f"{statistics.median(work):.1f} ms (median of {len(work)}), {epochs / 2:.0f} epochs a second", flush=True)
        quiet(browser, name)


def parts(browser):
    browser.open(f"{PAGE}#{SPIRAL}&noise=5&lang=en")
    value = browser.evaluate
    # The address holds the settings, and gives them back.
    value("document.getElementById('choice-noise').value = 10; document.getElementById('choice-noise').dispatchEvent(new Event('input'))")
    expect("noise=10" in value("location.hash") and "layers=8,8" in value("location.hash"), "the address does not follow")
    # Keys.
    value("document.activeElement.blur()")
    browser.key("s")
    expect(value("playground.numbers.epoch") == 1, "S is no epoch")
    browser.key(" ", "Space")
    expect(value("playground.playing") is True, "the space bar does not play")
    browser.key(" ", "Space")
    expect(value("playground.playing") is False, "the space bar does not pause")
    expect("Paused at epoch" in value("document.getElementById('status').textContent"), "the pause is not said")
    browser.key("r")
    expect(value("playground.numbers.epoch") == 0, "R does not start again")
    # Layers, units, features.
    value("document.getElementById('more-layers').click()")
    expect(value("playground.settings.layers") == "8,8,8", "no layer was added")
    value("document.querySelector('[data-node=\"fewer2\"]').click()")
    expect(value("playground.settings.layers") == "8,7,8", "no neuron was removed")
    value("document.querySelector('[data-node=\"off4\"]').click()")
    expect(value("playground.settings.features") == "x1,x2,x1x2", "no feature was added")
    # A weight is edited: the network's number, and the losses, follow.
    before = value("playground.numbers.test")
    value("""playground.network.open(1, 0, 1);
        (() => { const field = document.querySelector('#inspector [data-from="1"]'); field.value = '1.5'; field.dispatchEvent(new Event('input')); })()""")
    expect(value("playground.numbers.weights[0][1]") == 1.5 and value("playground.numbers.test") != before, "the weight has not changed")
    browser.key("Escape", "Escape")
    expect(value("document.getElementById('inspector').hidden && document.activeElement.dataset.node === '3'"), "Escape does not go back")
    # A click on a line opens its weight.
    x, y = value("""(() => { const c = playground.network.curves[0], b = document.getElementById('edges').getBoundingClientRect();
        return [b.left + (c.x0 + c.x1) / 2, b.top + (c.y0 + c.y1) / 2]; })()""")
    browser.click(x, y)
    expect(value("!document.getElementById('inspector').hidden && document.activeElement.dataset.from !== '-1'"), "a line does not open")
    # The program is the one of these settings.
    value("document.getElementById('program').click()")
    program = value("document.getElementById('program-text').textContent")
    expect("nn::Linear(8, 7)" in program and "x1 * x2" in program, "the program is another")
    value("document.getElementById('program-close').click()")
    # What is wrong in an address is said, and the page works; a diverged run stops and says so.
    browser.open(f"{PAGE}#data=moons&lang=en")
    expect("expected one of circle" in value("document.getElementById('problem-line').textContent"), "the address is not refused")
    browser.open(f"{PAGE}#data=plane&optimizer=sgd&rate=10&activation=linear&lang=en")
    value(f"(async () => {{ playground.play(true); for (let i = 0; i < 200 && playground.playing; ++i) await {FRAME}; }})()")
    expect("diverged" in value("document.getElementById('problem-line').textContent"), "a diverged run goes on")
    # Everything has a name.
    nameless = value("""[...document.querySelectorAll('button, select, input, canvas[role]')].filter((one) =>
        !(one.getAttribute('aria-label') || one.textContent.trim() || one.closest('label')?.textContent.trim())).map((one) => one.outerHTML)""")
    expect(not nameless, f"without a label: {nameless}")
    missing = value("[...document.querySelectorAll('[aria-label=\"undefined\"], [title=\"undefined\"]')].length")
    expect(missing == 0, "a label is undefined")
    quiet(browser, "parts")


def languages(browser):
    browser.open(f"{PAGE}#lang=ko")
    expect(browser.evaluate("document.documentElement.lang") == "ko", "the page is not in Korean")
    english = browser.evaluate("[...document.querySelectorAll('h2, .choice span, .slider b')].map((one) => one.textContent).filter((text) => /^[a-z ]+$/i.test(text))")
    expect(not english, f"in English still: {english}")
    browser.evaluate("document.getElementById('language').click()")
    expect(browser.evaluate("document.querySelector('h2').textContent") == "Data", "the page is not in English")
    quiet(browser, "languages")


def sizes(browser):
    for width in (420, 800, 1280, 1900):
        browser.size(width, 900)
        for settings in ("", LARGEST):
            browser.open(f"{PAGE}#{settings}&lang=en")
            wide = browser.evaluate("document.documentElement.scrollWidth")
            expect(wide <= width, f"{width} pixels: the page is {wide} wide")
            cut = browser.evaluate("""(() => { const b = document.getElementById('network').getBoundingClientRect();
                return [...document.querySelectorAll('.node')].filter((n) => { const r = n.getBoundingClientRect();
                    return r.left < b.left || r.right > b.right || r.top < b.top || r.bottom > b.bottom + 1; }).length; })()""")
            expect(cut == 0, f"{width} pixels: {cut} neurons are cut")
    quiet(browser, "sizes")


def pictures(browser):
    train = "(() => { for (let i = 0; i < %d; ++i) playground.train(Infinity); })()"
    browser.size(1280, 900)
    browser.scheme("light")
    browser.open(f"{PAGE}#{SPIRAL}&lang=en")
    browser.evaluate(train % 120)
    picture(browser, "spiral-light")
    browser.evaluate("playground.network.open(2, 3, 1)")
    picture(browser, "inspector")
    browser.scheme("dark")
    browser.open(f"{PAGE}#{LARGEST}&train=80&lang=ko")
    browser.evaluate(train % 40)
    picture(browser, "largest-dark-korean")
    browser.open(f"{PAGE}#data=hills&layers=8,8&optimizer=adam&rate=0.01&lang=en")
    browser.evaluate(train % 60)
    browser.evaluate("document.getElementById('program').click()")
    picture(browser, "program-dark")
    browser.scheme("light")
    browser.size(420, 2300, 2)
    browser.open(f"{PAGE}#data=circle&layers=4,2&lang=ko")
    browser.evaluate(train % 40)
    picture(browser, "narrow")
    browser.size(420, 900, 2)
    browser.open(f"{PAGE}#{LARGEST}&lang=en")
    browser.evaluate(train % 10)
    picture(browser, "narrow-largest")
    quiet(browser, "pictures")


with Browser() as browser:
    browser.size(1280, 900)
    if PICTURES:
        pictures(browser)
        browser.size(1280, 900)
    for step in (learns, frames, parts, languages, sizes):
        step(browser)
print("browse: all is well")
