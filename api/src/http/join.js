// The page behind the link in mails: logs in, joins, and follows the consultation to whichever provider serves it.
// The access token lives in this page's memory only.
"use strict";

const id = location.pathname.split("/").pop();
const state = document.getElementById("state");
const enter = document.getElementById("enter");
const form = document.getElementById("login");
let token = null;
let socket = null;

async function call(path, body) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail || "Please try again."), { status: response.status });
  return answer;
}

function show(joined) {
  enter.hidden = true;
  if (joined.video && joined.video.join_url) {
    enter.href = joined.video.join_url;
    enter.hidden = false;
    state.textContent = "The doctor's room is open.";
  } else if (joined.video) {
    state.textContent = "This consultation is held in the app of your clinic. Please open it there.";
  } else if (joined.waiting) {
    const minutes = Math.ceil(joined.waiting.expected_wait_seconds / 60);
    state.textContent = `You are number ${joined.waiting.position} in the line, about ${minutes} min. Keep this page open.`;
  } else {
    state.textContent = "You are in. This visit has no video.";
  }
}

async function join() {
  try {
    const joined = await call(`/consultations/${encodeURIComponent(id)}/join`, {});
    show(joined);
    if (!socket) follow(joined.topic);
  } catch (error) {
    enter.hidden = true;
    state.textContent = error.message;
    if (error.status === 401) {
      token = null;
      form.hidden = false;
    } else if (error.status === 503) {
      setTimeout(join, 5000);
    }
  }
}

// Told of a change, it joins again: the answer is always as of now.
function follow(topic) {
  const changes = ["video_provider_switched", "video_restored", "video_unavailable", "participant_admitted",
    "consultation_started", "consultation_ended", "waiting_position_changed"];
  socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/ws`, ["consilium.v1", token]);
  socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", id: "1", topic }));
  socket.onmessage = (message) => {
    const frame = JSON.parse(message.data);
    if (frame.type === "event" && changes.includes(frame.event)) join();
    if (frame.type === "signal" && frame.data && frame.data.video) show({ video: frame.data.video });
  };
  socket.onclose = () => {
    socket = null;
    if (token) setTimeout(join, 3000);
  };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const credentials = { email: form.email.value, password: form.password.value };
    token = (await call("/auth/login", credentials)).access_token;
    form.password.value = "";
    form.hidden = true;
    join();
  } catch (error) {
    state.textContent = error.message;
  }
});
