// Draw lines with axes on a canvas; nothing is fetched from anywhere.
"use strict";

const LEFT = 54, RIGHT = 6, TOP = 6, BOTTOM = 30;
const COLOURS = { text: "#a3b0bd", grid: "#2c3542", line: "#6cb6ff", trend: "#4fd08b" };

function prepare(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
  return { pen, width, height };
}

export function niceTicks(low, high, most) {
  const span = high - low || 1;
  const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((part) => part * power >= raw) || 10);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) {
    ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return { ticks, step };
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value !== null && value < low) low = value;
    if (value !== null && value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

function tickText(value, step) {
  if (Math.abs(value) >= 10000) return `${+(value / 1000).toPrecision(4)}k`;
  const digits = Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(digits).replace("-", "−");
}

// x and y may hold null: there the line has a gap.
export function drawLine(canvas, { x, y, xLabel, yLabel, colour, xText, least = 0 }) {
  const { pen, width, height } = prepare(canvas);
  const across = extent(x.filter((_, i) => y[i] !== null)), along = extent(y);
  pen.textBaseline = "middle";
  if (!across || !along) {
    pen.fillStyle = COLOURS.text;
    pen.textAlign = "center";
    pen.fillText("nothing yet", width / 2, height / 2);
    return;
  }
  let [low, high] = along;
  const room = Math.max((high - low) * 0.06, least / 2, Math.abs(high) * 1e-6);
  low -= room; high += room;
  const [first, last] = across;
  const toX = (value) => LEFT + ((value - first) / (last - first || 1)) * (width - LEFT - RIGHT);
  const toY = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM);

  pen.strokeStyle = COLOURS.grid; pen.fillStyle = COLOURS.text; pen.lineWidth = 1;
  const vertical = niceTicks(low, high, 4);
  pen.textAlign = "right";
  for (const tick of vertical.ticks) {
    const at = Math.round(toY(tick)) + 0.5;
    pen.beginPath(); pen.moveTo(LEFT, at); pen.lineTo(width - RIGHT, at); pen.stroke();
    pen.fillText(tickText(tick, vertical.step), LEFT - 5, at);
  }
  const horizontal = niceTicks(first, last, 5);
  pen.textAlign = "center";
  for (const tick of xText ? [first, (first + last) / 2, last] : horizontal.ticks) {
    const text = xText ? xText(tick, last - first) : tickText(tick, horizontal.step);
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, Math.min(Math.max(toX(tick), LEFT + half - 8), width - half - 1), height - BOTTOM + 9);
  }
  pen.fillText(xLabel, LEFT + (width - LEFT - RIGHT) / 2, height - 7);
  pen.save();
  pen.translate(8, TOP + (height - TOP - BOTTOM) / 2);
  pen.rotate(-Math.PI / 2);
  pen.fillText(yLabel, 0, 0);
  pen.restore();

  pen.strokeStyle = colour || COLOURS.line; pen.lineWidth = 1.5; pen.lineJoin = "round";
  pen.beginPath();
  let isDrawing = false;
  for (let i = 0; i < y.length; i += 1) {
    if (y[i] === null || x[i] === null) { isDrawing = false; continue; }
    if (isDrawing) pen.lineTo(toX(x[i]), toY(y[i]));
    else pen.moveTo(toX(x[i]), toY(y[i]));
    isDrawing = true;
  }
  pen.stroke();
}

export const TREND_COLOUR = COLOURS.trend;
