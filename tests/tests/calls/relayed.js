// Runs in the page before its own scripts: connections may only use relays, and the test can look at them.
window.connections = [];
window.states = [];
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(settings) {
    super({ ...settings, iceTransportPolicy: "relay" });
    connections.push(this);
    this.addEventListener("connectionstatechange", () => states.push(this.connectionState));
  }
  setConfiguration(settings) {
    super.setConfiguration({ ...settings, iceTransportPolicy: "relay" });
  }
};
window.newest = () => connections.at(-1);
window.stats = async (type, kind) =>
  [...(newest() ? await newest().getStats() : new Map()).values()].filter((one) => one.type === type && (!kind || one.kind === kind));
window.decoded = async () => (await stats("inbound-rtp", "video"))[0]?.framesDecoded ?? 0;
window.remote = () => document.querySelector("#stage video:not(#own)");
window.picture = () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  canvas.getContext("2d").drawImage(remote(), 0, 0, 64, 48);
  return [...canvas.getContext("2d").getImageData(0, 0, 64, 48).data];
};
window.said = () => [...document.querySelectorAll("#messages li:not(.unsent)")].map((entry) => entry.lastChild.textContent);
