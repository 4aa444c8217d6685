// Camera and microphone of this device. Knows nothing of calls.

export type Kind = "camera" | "microphone";
/** As the API's device check has it. */
export type DeviceState = "ok" | "blocked" | "missing" | "failed" | "unchecked";

export interface Devices {
  stream: MediaStream;
  camera: DeviceState;
  microphone: DeviceState;
}

export interface Wish {
  camera?: string | undefined;
  microphone?: string | undefined;
}

function state(error: unknown): DeviceState {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "blocked";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "failed";
}

const exact = (id: string | undefined) => (id ? { deviceId: { exact: id } } : {});
const video = (id: string | undefined): MediaTrackConstraints => ({ ...exact(id), width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" });
const audio = (id: string | undefined): MediaTrackConstraints => ({ ...exact(id), echoCancellation: true, noiseSuppression: true });

/** Opens both, or what there is of them: one question to the user where possible. */
export async function open(wish: Wish = {}, withCamera = true): Promise<Devices> {
  if (!navigator.mediaDevices) return { stream: new MediaStream(), camera: "blocked", microphone: "blocked" };
  if (withCamera) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: video(wish.camera), audio: audio(wish.microphone) });
      return { stream, camera: "ok", microphone: "ok" };
    } catch {
      // One of them does not work: which?
    }
  }
  const devices: Devices = { stream: new MediaStream(), camera: "unchecked", microphone: "unchecked" };
  const tries = [["microphone", { audio: audio(wish.microphone) }], ["camera", { video: video(wish.camera) }]] as const;
  for (const [kind, constraints] of tries) {
    if (kind === "camera" && !withCamera) continue;
    try {
      for (const track of (await navigator.mediaDevices.getUserMedia(constraints)).getTracks()) devices.stream.addTrack(track);
      devices[kind] = "ok";
    } catch (error) {
      devices[kind] = state(error);
    }
  }
  return devices;
}

export function stop(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Cameras and microphones to choose from; without permission they have no names. */
export async function list(): Promise<Record<Kind, readonly (readonly [id: string, name: string])[]>> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind) => all.filter((one) => one.kind === kind && one.deviceId).map((one) => [one.deviceId, one.label] as const);
  return { camera: of("videoinput"), microphone: of("audioinput") };
}

/** Tells the level of a microphone, 0 to 1, several times a second, until the returned function is called. */
export function listen(stream: MediaStream, told: (level: number) => void): () => void {
  if (stream.getAudioTracks().length === 0) return () => {};
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    told(Math.min(1, loudness * 4));
  }, 100);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
