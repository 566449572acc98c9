// Runs a preview's script without a browser: no GPU, so that it sets its pixels by hand, and a page of W x H of them.
// Arguments: the HTML file, and a JSON list of scenes, each a piece of script that changes the view. Writes JSON.
"use strict";
const html = require("fs").readFileSync(process.argv[2], "utf8");
const between = (from, to) => html.split(from)[1].split(to)[0];
const [W, H] = [200, 150];
const frames = [];

function drawing() {
  const own = { createImageData: (w, h) => ({ width: w, height: h, data: new Uint8ClampedArray(4 * w * h) }) };
  return new Proxy(own, { get: (o, name) => o[name] ?? (() => {}), set: () => true });
}

function element() {
  const nothing = () => {};
  return {
    style: {}, classList: { toggle: nothing }, textContent: "", value: 0, checked: true, width: 0, height: 0,
    clientWidth: W, clientHeight: H, addEventListener: nothing, append: nothing, setPointerCapture: nothing,
    getContext: kind => (kind === "2d" ? drawing() : null),
  };
}

const elements = new Map();
function find(name) {
  if (!elements.has(name)) elements.set(name, element());
  return elements.get(name);
}
find("#data").textContent = between('<script id="data" type="application/json">', "</script>");
Object.assign(globalThis, {
  document: { getElementById: id => find("#" + id), querySelector: find, createElement: element },
  devicePixelRatio: 1, location: { hash: "" }, addEventListener: () => {},
  requestAnimationFrame: f => frames.push(f),
});

// Behind the page's own script, so that it sees the same names.
const look = `
const flush = () => { while (frames.length) frames.shift()(0) };
flush();
const seen = SCENES.map(change => { eval(change); draw(); flush();
  return { axes: axes(), k, shift: [tx, ty], shown: shown(), heights: heights(), pixels: Array.from(pixels) } });
console.log(JSON.stringify({ size: [W, H], mid, layers, total, seen,
  points: Array.from({ length: N }, (_, i) => [P[3*i], P[3*i+1], P[3*i+2], A[4*i]]) }));`;
globalThis.SCENES = JSON.parse(process.argv[3]);
Object.assign(globalThis, { frames, W, H });
require("vm").runInThisContext(between("<script>", "</script>") + look);
