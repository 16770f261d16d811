// Painting over the picture of the outline. A stroke goes to the server as shares of the picture's width and height.
const image = () => document.querySelector("#found img");
const isOn = () => { const box = document.querySelector("#paint input"); return !!box && box.checked; };
const size = () => Number((document.querySelector("#brush-size input[type=number]") || {}).value || 4) / 100;
const isAdding = () => { const first = document.querySelector("#click-mode input"); return !first || first.checked; };
let stroke = null, sheet = null, timer = 0;

// Where the picture lies inside its element, which it need not fill.
const placed = (img) => {
  const box = img.getBoundingClientRect();
  const scale = Math.min(box.width / img.naturalWidth, box.height / img.naturalHeight);
  const width = img.naturalWidth * scale, height = img.naturalHeight * scale;
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height };
};
const wipe = () => { if (sheet) sheet.remove(); sheet = null; clearTimeout(timer); };
const begin = (area) => {
  wipe();
  sheet = document.createElement("canvas");
  sheet.width = Math.round(area.width); sheet.height = Math.round(area.height);
  sheet.style.cssText = `position:absolute;pointer-events:none;z-index:20;opacity:.55;left:${area.left + scrollX}px;top:${area.top + scrollY}px`;
  document.body.append(sheet);
};
const draw = (from, to) => {
  const pen = sheet.getContext("2d");
  pen.strokeStyle = isAdding() ? "#26be5a" : "#e63c32";
  pen.lineWidth = 2 * size() * Math.max(sheet.width, sheet.height); pen.lineCap = "round";
  pen.beginPath(); pen.moveTo(from[0] * sheet.width, from[1] * sheet.height);
  pen.lineTo(to[0] * sheet.width + 0.01, to[1] * sheet.height); pen.stroke();
};
const spot = (e, area) => [e.clientX - area.left, e.clientY - area.top].map((v, k) =>
  Math.min(1, Math.max(0, v / (k ? area.height : area.width))));

document.addEventListener("pointerdown", (e) => {
  const img = image();
  if (!img || e.target !== img || !isOn() || !e.isPrimary || e.button) return;
  e.preventDefault();
  const area = placed(img);
  stroke = [spot(e, area)];
  begin(area); draw(stroke[0], stroke[0]);
}, true);
document.addEventListener("pointermove", (e) => {
  const img = image();
  if (!stroke || !img || !e.isPrimary) return;
  const last = stroke[stroke.length - 1], next = spot(e, placed(img));
  if (Math.hypot(next[0] - last[0], next[1] - last[1]) < 0.008 || stroke.length >= 200) return;
  stroke.push(next); draw(last, next);
}, true);
const end = (e) => {
  if (!stroke || !e.isPrimary) return;
  const path = stroke.map((p) => p.map((v) => Math.round(v * 1e4) / 1e4));
  stroke = null;
  const img = image();
  if (img) img.addEventListener("load", wipe, { once: true });
  timer = setTimeout(wipe, 20000);
  trigger("submit", { path });
};
document.addEventListener("pointerup", end, true);
document.addEventListener("pointercancel", () => { stroke = null; wipe(); }, true);
// A stroke is not a click, and a finger that paints does not scroll.
document.addEventListener("click", (e) => { if (e.target === image() && isOn()) e.stopPropagation(); }, true);
document.addEventListener("touchmove", (e) => { if (stroke) e.preventDefault(); }, { passive: false, capture: true });
document.addEventListener("dragstart", (e) => { if (e.target === image()) e.preventDefault(); }, true);
