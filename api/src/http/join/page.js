// The page behind the link in mails: logs in, joins, and follows the consultation to whichever provider serves it.
// Where media goes between the browsers themselves, it is the room.

import { Peer } from "./call.js";
import { Line } from "./line.js";
import { Session } from "./session.js";

const id = location.pathname.split("/").pop();
const at = (name) => document.getElementById(name);
const say = (text) => (at("state").textContent = text);

const session = new Session();
const peers = new Map(); // by account
let line = null;
let media = null;
let role = null;
let ice = null;
let names = new Map();
let told = 0; // what came with the line and was history then
let back = false; // the line is there again

// --- coming in -------------------------------------------------------------------------------------------------

const CHANGES = ["participant_joined", "participant_left", "participant_admitted", "consultation_started",
  "consultation_ended", "consultation_moved", "waiting_position_changed", "video_provider_switched", "video_restored",
  "video_unavailable"];

let joining = null;
let once_more = false;

/** Joins, also when it has joined already: the answer is always as of now. */
function join() {
  if (joining) return void (once_more = true);
  joining = answer().catch(trouble).finally(() => {
    joining = null;
    if (once_more) join();
  });
}

async function answer() {
  once_more = false;
  const path = `/consultations/${encodeURIComponent(id)}`;
  let problem = null;
  const joined = await session.call("POST", `${path}/join`, { capabilities: ["webrtc", "redirect"] }).catch((refused) => {
    if (refused.code !== "video_unavailable") throw refused;
    problem = refused; // but in
    return {};
  });
  const consultation = await session.call("GET", path);
  names = new Map(consultation.participants.map(({ user_id, role }) => [user_id, role]));
  role = names.get(session.user.id);
  at("login").hidden = true;
  at("room").hidden = false;
  line ??= follow(consultation.topic);
  show(joined, consultation);
  if (problem) {
    say(problem.message);
    setTimeout(join, 5000);
  } else if (here(joined)) await meet(consultation, joined.video.ice_servers ?? []);
  else part();
}

/** Whether media goes between the browsers, now. */
const here = ({ status, video }) => status === "in_progress" && video && !video.join_url && !video.token;

function show({ video, waiting }, { status }) {
  const doctor = role === "doctor";
  at("begin").hidden = !doctor || status === "in_progress";
  at("begin").textContent = status === "waiting" ? "Admit the patient" : "Begin";
  at("end").hidden = !doctor || status !== "in_progress";
  at("enter").hidden = !video?.join_url;
  if (video?.join_url) at("enter").href = video.join_url;
  if (waiting) {
    const minutes = Math.ceil(waiting.expected_wait_seconds / 60);
    say(`You are number ${waiting.position} in the line, about ${minutes} min. Keep this page open.`);
  } else if (video?.join_url) say("The video room is open.");
  else if (video?.token) say("This consultation is held in the app of your clinic. Please open it there.");
  else if (status === "in_progress") say(video ? "You are in the consultation." : "You are in. This visit has no video.");
  else say(status === "waiting" ? "The patient waits." : "The patient is not here yet.");
}

async function trouble(problem) {
  if (problem.status === 401) return;
  say(problem.message);
  const { status } = await session.call("GET", `/consultations/${encodeURIComponent(id)}`).catch(() => ({}));
  if (status === "completed" || status === "abandoned") {
    part();
    for (const name of ["begin", "end", "leave", "enter"]) at(name).hidden = true;
    say("The consultation is over. You can still write.");
  } else if (!problem.status || problem.status >= 500) setTimeout(join, 5000);
}

function follow(topic) {
  const line = new Line(topic, (doubted) => session.token(doubted));
  line.addEventListener("up", ({ detail }) => {
    at("told").textContent = "";
    told = detail.seq;
    back = true;
    join();
    for (const message of unsent.values()) if (!message.stored) send(message);
  });
  line.addEventListener("down", () => (at("told").textContent = "The connection is interrupted. Trying again …"));
  line.addEventListener("over", ({ detail }) => {
    part();
    at("told").textContent = detail.reason;
  });
  line.addEventListener("gap", () => at("messages").replaceChildren());
  line.addEventListener("event", ({ detail }) => {
    const { event, data } = detail;
    if (event === "message_sent") write(data);
    if (event === "hand_raised" && data.user_id !== session.user.id && detail.seq > told) {
      at("told").textContent = `The ${names.get(data.user_id) ?? "other side"} wants to say something.`;
    }
    if (event === "participant_left" && data.reason === "left" && detail.seq > told) hangUp(data.user_id);
    if (CHANGES.includes(event)) join();
  });
  line.addEventListener("signal", ({ detail: { signal, from, data } }) => {
    if (signal === "admitted" || signal === "video_access") join();
    if (signal === "signal") (peers.get(from) ?? call(from))?.receive(data);
  });
  return line;
}

// --- the call --------------------------------------------------------------------------------------------------

/** Calls everybody who is there; whoever is called already and talks is left alone. */
async function meet({ participants, visit_type }, servers) {
  ice = servers;
  if (!media) {
    media = await capture(visit_type === "video");
    at("own").srcObject = media;
    at("stage").hidden = at("devices").hidden = false;
  }
  const there = new Set(participants.filter(({ present }) => present).map(({ user_id }) => user_id));
  there.delete(session.user.id);
  for (const peer of peers.values()) {
    peer.use(servers);
    if (back) peer.revive();
  }
  if (back) tellMedia(); // whoever has joined again begins anew
  back = false;
  for (const user of there) if (!peers.has(user)) call(user);
  // Somebody whose line is interrupted goes on talking.
  for (const [user, peer] of peers) if (!there.has(user) && !peer.flows) hangUp(user);
}

/** Camera and microphone, or what there is of them. */
async function capture(video) {
  for (const wish of [{ audio: true, video }, { audio: true, video: false }]) {
    try {
      return await navigator.mediaDevices.getUserMedia(wish);
    } catch (error) {
      at("told").textContent = `Without ${wish.video ? "camera" : "microphone"}: ${error.message}`;
    }
  }
  return new MediaStream();
}

function call(user) {
  if (!media || !ice) return null; // not in the call yet; the other side tells it again
  // The doctor's offers stand. Among others, those of the smaller id.
  const polite = role !== "doctor" && (names.get(user) === "doctor" || session.user.id > user);
  const peer = new Peer({ send: (signal) => line.command("signal", { ...signal, to: user }), polite, servers: ice, media });
  const view = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
  view.setAttribute("aria-label", names.get(user) ?? "participant");
  peer.addEventListener("stream", ({ detail }) => {
    if (view.srcObject !== detail) view.srcObject = detail;
  });
  peer.addEventListener("state", ({ detail }) => {
    at("link").textContent = detail === "connected" ? "" : detail;
    if (detail === "failed") join();
  });
  at("stage").prepend(view);
  peers.set(user, Object.assign(peer, { view }));
  return peer;
}

function hangUp(user) {
  const peer = peers.get(user);
  if (!peer) return;
  peer.close();
  peer.view.remove();
  peers.delete(user);
}

/** Out of the call; camera and microphone are let go. */
function part() {
  [...peers.keys()].forEach(hangUp);
  media?.getTracks().forEach((track) => track.stop());
  media = null;
  at("stage").hidden = at("devices").hidden = true;
}

const pressed = (name) => at(name).getAttribute("aria-pressed") === "true";
const press = (name, on) => at(name).setAttribute("aria-pressed", on);

function tellMedia() {
  line.command("set_media", { microphone: pressed("microphone"), camera: pressed("camera") }).catch(() => {});
  if (pressed("screen")) line.command("share_screen", { sharing: true }).catch(() => {});
}

for (const [name, kind] of [["microphone", "audio"], ["camera", "video"]]) {
  at(name).addEventListener("click", () => {
    press(name, !pressed(name));
    for (const track of media?.getTracks() ?? []) if (track.kind === kind) track.enabled = pressed(name);
    tellMedia();
  });
}

at("screen").addEventListener("click", async () => {
  const camera = media.getVideoTracks()[0];
  const stop = () => {
    for (const peer of peers.values()) if (camera) peer.replace(camera);
    press("screen", false);
    line.command("share_screen", { sharing: false }).catch(() => {});
  };
  if (pressed("screen")) return stop();
  try {
    const [track] = (await navigator.mediaDevices.getDisplayMedia({ video: true })).getVideoTracks();
    track.addEventListener("ended", stop);
    for (const peer of peers.values()) await peer.replace(track);
    press("screen", true);
    await line.command("share_screen", { sharing: true });
  } catch (error) {
    at("told").textContent = error.message;
  }
});

at("hand").addEventListener("click", () => {
  press("hand", !pressed("hand"));
  line.command("raise_hand", { raised: pressed("hand") }).catch(() => press("hand", false));
});

// --- the chat --------------------------------------------------------------------------------------------------

const unsent = new Map(); // until their event comes, by client_message_id: the same id twice is one message

function write({ id, sender_id, client_message_id, body }) {
  const mine = sender_id === session.user.id;
  const entry = (mine && unsent.get(client_message_id)?.entry) || document.createElement("li");
  if (mine) unsent.delete(client_message_id);
  const who = document.createElement("b");
  who.textContent = mine ? "You" : names.get(sender_id) ?? "";
  entry.replaceChildren(who, body);
  entry.className = id ? "" : "unsent";
  at("messages").append(entry);
  entry.scrollIntoView({ block: "nearest" });
  return entry;
}

async function send(message) {
  const { client_message_id, body } = message;
  try {
    await line.command("send_message", { client_message_id, body });
    message.stored = true;
    message.entry.className = "";
  } catch (problem) {
    if (!problem.status) return; // sent again when the line is up
    if (problem.status >= 429) return void setTimeout(() => send(message), 3000);
    unsent.delete(client_message_id);
    message.entry.remove();
    at("text").value ||= body;
    at("told").textContent = problem.message;
  }
}

at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const message = { client_message_id: crypto.randomUUID(), body: at("text").value };
  message.entry = write({ sender_id: session.user.id, ...message });
  unsent.set(message.client_message_id, message);
  at("text").value = "";
  send(message);
});

// --- coming and going ------------------------------------------------------------------------------------------

// Over HTTP, which works as soon as the button is there.
const ask = (verb) => session.call("POST", `/consultations/${encodeURIComponent(id)}/${verb}`, {});

at("begin").addEventListener("click", () => ask("start").then(join, trouble));
at("end").addEventListener("click", () => ask("end").then(join, trouble));
at("leave").addEventListener("click", async () => {
  await ask("leave").catch(() => {});
  line.close();
  part();
  for (const name of ["begin", "end", "leave", "enter", "write"]) at(name).hidden = true;
  say("You have left. Reload this page to come back.");
});

session.addEventListener("renewed", ({ detail }) => line?.renew(detail).catch(() => {}));
session.addEventListener("over", () => {
  at("login").hidden = false;
  say("Please log in.");
});

at("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await session.login(at("email").value, at("password").value);
    at("password").value = "";
    join();
  } catch (error) {
    say(error.message);
  }
});

if (await session.resume()) join();
