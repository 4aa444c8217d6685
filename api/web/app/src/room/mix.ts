// What a recording holds: the pictures of everybody side by side and their voices, as one stream. Sources come and go
// while it runs. Knows nothing of rooms.

export interface Source {
  stream: MediaStream;
  /** It shows somebody's screen. */
  screen: boolean;
}

export type Recorded = "video" | "audio" | "screen";

const SIZE = { width: 1280, height: 720 };
const FRAMES = 15; // a second

/** Mixes what `sources` tells at each moment, until `close`. */
export function mix(media: Recorded, sources: () => readonly Source[]): { stream: MediaStream; close: () => void } {
  const voices = mixVoices(() => sources().map(({ stream }) => stream));
  const pictures = media === "audio" ? null : mixPictures(() => sources().filter(({ screen }) => screen || media === "video"));
  const tracks = [...voices.stream.getAudioTracks(), ...(pictures?.stream.getVideoTracks() ?? [])];
  const close = () => {
    voices.close();
    pictures?.close();
  };
  return { stream: new MediaStream(tracks), close };
}

function mixVoices(streams: () => readonly MediaStream[]): { stream: MediaStream; close: () => void } {
  const context = new AudioContext();
  const all = context.createMediaStreamDestination();
  const heard = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>();
  const look = () => {
    const tracks = streams().flatMap((stream) => stream.getAudioTracks());
    for (const track of tracks) {
      if (heard.has(track)) continue;
      const node = context.createMediaStreamSource(new MediaStream([track]));
      node.connect(all);
      heard.set(track, node);
    }
    for (const [track, node] of heard) {
      if (tracks.includes(track)) continue;
      node.disconnect();
      heard.delete(track);
    }
  };
  look();
  const timer = setInterval(look, 500);
  const close = () => {
    clearInterval(timer);
    void context.close();
  };
  return { stream: all.stream, close };
}

function mixPictures(sources: () => readonly Source[]): { stream: MediaStream; close: () => void } {
  const canvas = Object.assign(document.createElement("canvas"), SIZE);
  const context = canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
  const screens = new Map<MediaStream, HTMLVideoElement>();
  const video = (stream: MediaStream) => {
    const known = screens.get(stream);
    if (known) return known;
    const made = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
    made.play().catch(() => {}); // its picture comes as soon as it has one
    screens.set(stream, made);
    return made;
  };
  const draw = () => {
    const shown = sources().map(({ stream }) => stream).filter((stream) => stream.getVideoTracks().length > 0);
    context.fillRect(0, 0, SIZE.width, SIZE.height);
    const width = SIZE.width / Math.max(1, shown.length);
    shown.forEach((stream, column) => {
      place(context, video(stream), column * width, width);
    });
    for (const stream of [...screens.keys()]) if (!shown.includes(stream)) screens.delete(stream);
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES);
  return { stream: canvas.captureStream(FRAMES), close: () => clearInterval(timer) };
}

/** Draws a picture whole, in the middle of its column. */
function place(context: CanvasRenderingContext2D, video: HTMLVideoElement, left: number, width: number): void {
  const { videoWidth, videoHeight } = video;
  if (!videoWidth || !videoHeight) return;
  const scale = Math.min(width / videoWidth, SIZE.height / videoHeight);
  const size = { width: videoWidth * scale, height: videoHeight * scale };
  context.drawImage(video, left + (width - size.width) / 2, (SIZE.height - size.height) / 2, size.width, size.height);
}
