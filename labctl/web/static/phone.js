// Show a served table on a phone. Everything comes from the service that served this page.
"use strict";

import { drawLine, TREND_COLOUR } from "/charts.js";

const API = "/api/v1";
const SILENCE_MS = 6000; // the service says something every 2 s
const RETRY_MS = [500, 1000, 2000, 4000];
const KINDS = "point,run,alarm,safety,spectrum";
const MOST_TREND = 2000;
const STATES = {
  idle: "", running: "good", pausing: "warn", paused: "warn", stopping: "warn",
  aborting: "bad", failed: "bad",
};
const SHAPES = {
  open: '<path d="M8 0v16M0 8h16M2.3 2.3l11.4 11.4M13.7 2.3L2.3 13.7" stroke="currentColor" stroke-width="2.4"/>',
  closed: '<rect x="2" y="2" width="12" height="12" fill="none" stroke="currentColor" stroke-width="2.4"/>',
  unknown: '<path d="M8 1L15.5 15H.5z" fill="none" stroke="currentColor" stroke-width="2.2"/>',
};

const $ = (id) => document.getElementById(id);
const view = { status: null, heardMs: 0, isConnected: false, spectrum: null, trend: null, me: null };
let token = takeToken();
let connection = null;
let failures = 0;

// ---- token

function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    // the address with the token must not stay in the history
    history.replaceState(null, "", location.pathname);
    remember(given);
    return given;
  }
  try { return localStorage.getItem("labctl-token") || ""; } catch { return ""; }
}

function remember(text) {
  try {
    if (text) localStorage.setItem("labctl-token", text);
    else localStorage.removeItem("labctl-token");
  } catch { /* private mode: the token lives as long as the page */ }
}

function askForToken(why) {
  connection?.abort();
  connection = null;
  $("login").hidden = false;
  $("main").hidden = $("dock").hidden = true;
  $("why").textContent = why;
}

// ---- service

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...options.headers };
  const answer = await fetch(API + path, { ...options, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ message: `error ${answer.status}` }));
  const error = new Error(problem.message);
  error.status = answer.status;
  throw error;
}

async function connect() {
  const mine = connection = new AbortController();
  try {
    view.me = await (await ask("/me", { signal: mine.signal })).json();
    const answer = await ask(`/events?kinds=${KINDS}`, { signal: mine.signal });
    refreshTrend();
    await listen(answer.body.getReader(), mine);
  } catch (error) {
    if (error.status === 401 || error.status === 403) {
      token = "";
      remember("");
      askForToken(`${error.message}.`);
      return;
    }
  }
  if (connection !== mine) return;
  view.isConnected = false;
  draw();
  const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
  failures += 1;
  setTimeout(() => { if (connection === mine) connect(); }, wait);
}

async function listen(reader, mine) {
  const decoder = new TextDecoder();
  let rest = "";
  while (connection === mine) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = parts.pop();
    for (const part of parts) take(part);
  }
}

function take(part) {
  const fields = Object.fromEntries(part.split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
  }));
  if (!fields.data) return;
  view.heardMs = performance.now();
  view.isConnected = true;
  failures = 0;
  if (fields.event === "status") {
    const isFirst = view.status === null;
    view.status = JSON.parse(fields.data);
    addToTrend(view.status);
    draw();
    if (isFirst) { drawSpectrum(); refreshSpectrum(); }
  } else if (["spectrum", "point", "run", "resync"].includes(fields.event)) {
    refreshSpectrum();
  }
}

let spectrumDue = 0;
function refreshSpectrum() {
  if (spectrumDue) return;
  spectrumDue = setTimeout(async () => {
    spectrumDue = 0;
    try {
      const most = Math.max(200, Math.round($("spectrum").clientWidth * 1.5));
      view.spectrum = await (await ask(`/spectrum?most=${Math.min(most, 1340)}`)).json();
      view.spectrum.takenMs = performance.now();
      drawSpectrum();
    } catch { /* none yet, or the connection is gone: the state says so */ }
  }, view.spectrum ? 1500 : 0);
}

async function refreshTrend() {
  try {
    const found = await (await ask("/trend")).json();
    view.trend = { time: found.utc.map(Date.parse), value: found.values.cryostat || [] };
    drawTrend();
  } catch { /* as above */ }
}

function addToTrend(status) {
  const cryostat = status.cryostat;
  if (!view.trend || !cryostat) return;
  const now = Date.parse(status.utc);
  const { time, value } = view.trend;
  if (time.length && now - time[time.length - 1] < 1000 * Math.max(1, status.speed)) return;
  time.push(now);
  value.push(cryostat.stale || typeof cryostat.value !== "number" ? null : cryostat.value);
  if (value.length < 60) drawTrend();
  if (time.length > MOST_TREND) { time.shift(); value.shift(); }
}

// ---- words

function quantity(value, unit, digits = 3) {
  if (value === 0) return `0 ${unit}`;
  if (["W", "Pa", "s", "V"].includes(unit)) {
    const power = Math.min(Math.max(Math.floor(Math.log10(Math.abs(value)) / 3), -4), 2);
    return `${+(value / 1000 ** power).toPrecision(digits)} ${["p", "n", "µ", "m", "", "k", "M"][power + 4]}${unit}`;
  }
  if (unit === "K") return `${value.toFixed(2)} K`;
  return `${+value.toPrecision(4)}${unit ? ` ${unit}` : ""}`.replace("-", "−");
}

function duration(seconds) {
  if (seconds < 99.5) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function timeOfDay(utc, second) {
  const when = new Date(utc);
  if (Number.isNaN(when.getTime())) return "";
  const time = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second, hour12: false });
  const isToday = Math.abs(when - new Date(view.status.utc)) < 12 * 3600e3;
  return isToday ? time : `${when.toLocaleDateString([], { weekday: "short" })} ${time}`;
}

const silenceS = () => (performance.now() - view.heardMs) / 1000;
const age = (ageS) => (ageS === null || ageS === undefined ? "never read" : `${duration(ageS + silenceS())} ago`);
const until = (utc) => (utc ? `ends ${timeOfDay(utc)}` : "");

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- picture

function draw() {
  const status = view.status;
  const isLost = !view.isConnected || silenceS() > SILENCE_MS / 1000;
  document.body.classList.toggle("stale", isLost);
  $("heard").textContent = view.heardMs ? (isLost ? `no contact for ${duration(silenceS())}` : `live · ${duration(silenceS())}`) : "connecting";
  $("heard").className = isLost ? "bad" : "dim";
  $("login").hidden = Boolean(token);
  $("main").hidden = !token;
  $("dock").hidden = !token || !["operate", "admin"].includes(view.me?.role);
  if (!status) {
    $("state").textContent = isLost && failures ? "DISCONNECTED" : "CONNECTING";
    return;
  }
  drawHead(status, isLost);
  drawAlarms(status.alarms);
  drawBeams(status, isLost);
  drawValues(status);
  drawQueue(status);
  drawTitles();
  $("who").textContent = view.me ? `${view.me.name}: ${view.me.role}` : "";
}

function drawHead(status, isLost) {
  $("station").textContent = status.station;
  document.title = `${isLost ? "DISCONNECTED" : status.state.toUpperCase()} · ${status.station}`;
  $("simulated").hidden = !status.simulated;
  $("simulated").textContent = status.speed === 1 ? "SIMULATED" : `SIMULATED × ${status.speed}`;
  $("state").textContent = isLost ? "DISCONNECTED" : status.state.toUpperCase();
  $("hero").className = `card ${isLost ? "bad" : STATES[status.state]}`;
  $("state").className = isLost ? "bad" : STATES[status.state];
  $("reason").textContent = isLost
    ? `What stands below is ${duration(silenceS())} old. It was ${status.state}.`
    : status.reason || status.run?.reason || (status.live ? "live view, not saved" : "");
  const run = status.run;
  $("run").hidden = !run;
  if (!run) return;
  $("run-name").textContent = run.name + (run.attempt ? `, attempt ${run.attempt + 1}` : "");
  const part = run.total ? Math.min(run.point / run.total, 1) : 0;
  $("done").style.width = `${100 * part}%`;
  $("bar").setAttribute("aria-valuemax", run.total ?? 0);
  $("bar").setAttribute("aria-valuenow", run.point);
  $("points").textContent = run.total ? `${run.point} / ${run.total} points` : `${run.point} points`;
  $("percent").textContent = run.total ? `${Math.floor(100 * part)} %` : "";
  $("left").textContent = run.left_s === null ? "" : `${duration(run.left_s)} left`;
  $("until").textContent = until(run.eta_utc);
  $("step").textContent = run.step;
}

function drawAlarms(alarms) {
  const rank = { alarm: 0, warning: 1, info: 2 };
  const open = alarms.filter((alarm) => !alarm.acknowledged_by).reverse()
    .sort((one, other) => rank[one.level] - rank[other.level]);
  const shown = open.slice(0, 4).map((alarm) => {
    const box = element("div", `alarm ${alarm.level}`);
    const source = alarm.source ? ` · ${alarm.source}` : "";
    box.append(element("b", "", `${alarm.level.toUpperCase()}${source} · ${timeOfDay(alarm.utc)}`), element("p", "", alarm.text));
    if (alarm.remedy) box.append(element("p", "dim", alarm.remedy));
    return box;
  });
  if (open.length > 4) shown.push(element("p", "bad", `and ${open.length - 4} more alarms`));
  $("alarms").replaceChildren(...shown);
}

function drawBeams(status, isLost) {
  $("beams").replaceChildren(...status.beams.map((beam) => {
    const row = element("div", "beam");
    const word = element("span", `word ${{ open: "lit", closed: "", unknown: "warn" }[beam.shutter]}`);
    word.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[beam.shutter]}</svg>`;
    word.append({ open: "BEAM ON", closed: "closed", unknown: "UNKNOWN" }[beam.shutter]);
    const what = element("span", "what", "");
    what.append(`${beam.name} `, word);
    const power = beam.shutter === "closed" ? "" : beam.power_w === null ? "power unknown" : quantity(beam.power_w, "W");
    const notes = [`${beam.wavelength_nm.toFixed(0)} nm`];
    if (beam.emission !== null) notes.push(beam.emission ? "laser emits" : "laser off");
    if (beam.interlock === false) notes.push("INTERLOCK OPEN");
    if (beam.quality !== "good") notes.push(`${beam.quality}: ${beam.reason}`);
    row.append(
      what, element("span", "power", power),
      element("span", `note ${beam.interlock === false ? "bad" : "dim"}`, notes.join(" · ")),
      element("span", "age power", age(beam.age_s)),
    );
    return row;
  }));
  const safety = status.safety;
  const [text, kind] = isLost ? ["Safety not known: no contact", "bad"] : safety.latched ? [`LATCHED, shutters stay closed: ${safety.reason.replace(/^latched: /, "")}`, "bad"]
    : safety.process === "lost" ? ["Safety process LOST", "bad"]
      : !safety.confirmed ? [`Safety not confirmed${safety.reason ? `: ${safety.reason}` : ""}`, "warn"]
        : [`Safety confirmed${safety.checked_utc ? ` ${timeOfDay(safety.checked_utc)}` : ""}`, "dim"];
  $("safety").textContent = text;
  $("safety").className = kind;
}

function drawValues(status) {
  const rows = [["cryostat", status.cryostat], ["pressure", status.pressure], ["camera", status.camera]];
  for (const axis of status.stage) rows.push([axis.name, axis]);
  $("values").replaceChildren(...rows.filter(([, value]) => value).map(([name, value]) => {
    const row = document.createElement("tr");
    const isOld = value.stale, isBad = value.value === null || value.quality !== "good";
    const text = value.value === null ? value.reason || "no value"
      : typeof value.value === "number" ? quantity(value.value, value.unit) : String(value.value);
    row.append(
      element("td", "dim", name),
      element("td", isBad || isOld ? "warn" : "", isBad && value.value !== null ? `${text} (${value.quality})` : text),
      element("td", "age", age(value.age_s) + (isOld ? " STALE" : "")),
    );
    return row;
  }));
}

function drawQueue(status) {
  const queue = status.queue;
  const counts = Object.entries(queue.counts).map(([state, count]) => `${count} ${state}`);
  $("queue").textContent = counts.join(" · ") || "empty";
  const left = queue.left_s ? `${duration(queue.left_s)} left` : "";
  const held = queue.paused ? `held: ${queue.reason}` : "";
  $("queue-until").textContent = [held, left, left && until(queue.eta_utc)].filter(Boolean).join(" · ");
  $("queue-until").className = queue.paused ? "warn" : "dim";
}

function drawTitles() {
  const spectrum = view.spectrum, cryostat = view.status.cryostat;
  if (spectrum) {
    const ageS = (Date.parse(view.status.utc) - Date.parse(spectrum.utc)) / 1000 + silenceS();
    const what = spectrum.saved ? `point ${spectrum.point}` : "LIVE, NOT SAVED";
    $("spectrum-title").textContent = `${what} · ${quantity(spectrum.exposure_s ?? 0, "s")} · ${duration(Math.max(0, ageS))} ago`;
    $("spectrum-title").className = spectrum.saved ? "dim" : "warn";
  }
  if (cryostat) $("trend-title").textContent = typeof cryostat.value === "number" ? quantity(cryostat.value, cryostat.unit) : "";
}

function drawSpectrum() {
  const spectrum = view.spectrum || { wavelength_nm: [], counts: [] };
  const x = spectrum.shift_cm1 || spectrum.wavelength_nm;
  drawLine($("spectrum"), { x, y: spectrum.counts, xLabel: spectrum.shift_cm1 ? "Raman shift (cm⁻¹)" : "wavelength (nm)", yLabel: "counts" });
  if (view.status) drawTitles();
}

function drawTrend() {
  if (!view.trend) return;
  drawLine($("trend"), {
    x: view.trend.time, y: view.trend.value, xLabel: "time", yLabel: "K", colour: TREND_COLOUR,
    xText: (ms, span) => (view.status ? timeOfDay(ms, span < 600e3 ? "2-digit" : undefined) : ""),
    least: 0.2,
  });
}

// ---- people

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = $("token").value.trim();
  $("token").value = "";
  if (!token) return;
  remember(token);
  connect();
  draw();
});

$("forget").addEventListener("click", () => {
  token = "";
  remember("");
  view.status = null;
  askForToken("The token is forgotten on this device; 'labctl tokens revoke' ends it everywhere.");
});

$("off").addEventListener("click", async () => {
  const say = (text, kind) => { $("off-result").textContent = text; $("off-result").className = kind; };
  say("asking for the safe state …", "");
  try {
    const stop = AbortSignal.timeout(30000);
    const answer = await (await ask("/control/safe", { method: "POST", signal: stop })).json();
    const now = new Date().toLocaleTimeString([], { hour12: false });
    if (answer.confirmed) say(`Shutters closed and lasers off, confirmed ${now}`, "good");
    else say(`NOT CONFIRMED: ${answer.unconfirmed.join("; ")}. Use the hardware switch.`, "bad");
  } catch (error) {
    say(`NOT CONFIRMED: ${error.message}. Use the hardware switch.`, "bad");
  }
});

window.addEventListener("resize", () => { drawSpectrum(); drawTrend(); });
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !token) return;
  if (silenceS() * 1000 > SILENCE_MS) { connection?.abort(); connect(); }
});
setInterval(() => {
  if (!token) return;
  if (view.isConnected && silenceS() * 1000 > SILENCE_MS) {
    view.isConnected = false;
    connection?.abort();
    connect();
  }
  draw();
}, 500);
setInterval(drawTrend, 3000);

if (token) connect();
else askForToken("The person at the table makes one with: labctl tokens add NAME");
draw();
