// Whom one sees: everybody's picture, screens with what is drawn on them, or the provider's own page.

import { Trans, useLingui } from "@lingui/react/macro";
import { type RefObject, useEffect, useRef, useState } from "react";
import { session } from "../lib/api.ts";
import { problem, role as roleName } from "../lib/words.ts";
import { Drawing, DrawingTools, type Pen } from "./drawing.tsx";
import type { Other, Room } from "./room.ts";
import { useStore } from "./store.ts";

/** Media between the browsers, or the provider's own page: one place for both. */
export function Stage({ room }: { room: Room }) {
  const { t } = useLingui();
  const { joined, others, devices, camera, shared, board, consultation, trouble } = useStore(room);
  const [pen, setPen] = useState<Pen | null>(null);
  const own = useRef<HTMLVideoElement>(null);
  const stream = devices?.stream ?? null;
  const video = joined?.video;
  const between = consultation?.status === "in_progress" && video && !video.join_url && !video.token;
  useEffect(() => {
    if (own.current) own.current.srcObject = stream;
  }, [stream, between]);
  if (video?.join_url) return <Frame url={video.join_url} />;
  if (video?.token) return <div className="stage bare"><p><Trans>The video of this consultation is in the app of your clinic. Here you can write.</Trans></p></div>;
  if (trouble) return <div className="stage bare"><p>{problem(trouble)}</p></div>;
  if (!between) {
    const silent = consultation?.visit_type === "chat" || consultation?.visit_type === "in_person";
    return <div className="stage bare"><p>{silent ? <Trans>This visit has no video. Write beside.</Trans> : <Trans>The picture comes when the consultation begins.</Trans>}</p></div>;
  }
  const sharer = room.sharer();
  return (
    <>
      <div className="stage">
        {others.length === 0 && <div className="seat"><p><Trans>The other side is not here just now.</Trans></p></div>}
        {others.map((other) => <Seat key={other.user} room={room} other={other} pen={pen} />)}
        {shared && <OwnScreen room={room} stream={shared} pen={pen} />}
        <video ref={own} className="own" autoPlay muted playsInline aria-label={t`Your picture`} hidden={!camera} />
      </div>
      {sharer && board && <DrawingTools board={board} of={sharer} pen={pen} onChange={setPen} />}
    </>
  );
}

function Seat({ room, other, pen }: { room: Room; other: Other; pen: Pen | null }) {
  const { t } = useLingui();
  const { board } = useStore(room);
  const video = usePicture(other.stream);
  const name = roleName(room.roleOf(other.user));
  const about = [other.microphone ? null : t`muted`, other.screen ? t`shares the screen` : other.camera ? null : t`camera off`, other.hand ? t`raises a hand` : null];
  return (
    <div className="seat">
      <video ref={video} autoPlay playsInline aria-label={name} />
      {other.screen && board && <Drawing board={board} of={other.user} video={video} pen={pen} nameOf={(user) => roleName(room.roleOf(user))} />}
      <span className="name" role="status">{[name, ...about].filter(Boolean).join(" · ")}</span>
    </div>
  );
}

/** What others see of one's own screen, with what they draw on it. */
function OwnScreen({ room, stream, pen }: { room: Room; stream: MediaStream; pen: Pen | null }) {
  const { t } = useLingui();
  const { board } = useStore(room);
  const video = usePicture(stream);
  return (
    <div className="seat">
      <video ref={video} autoPlay muted playsInline aria-label={t`Your screen`} />
      {board && <Drawing board={board} of={session.user?.id ?? ""} video={video} pen={pen} nameOf={(user) => roleName(room.roleOf(user))} />}
      <span className="name">{t`Your screen`}</span>
    </div>
  );
}

function usePicture(stream: MediaStream | null): RefObject<HTMLVideoElement | null> {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current && video.current.srcObject !== stream) video.current.srcObject = stream;
  }, [stream]);
  return video;
}

function Frame({ url }: { url: string }) {
  const { t } = useLingui();
  const framed = url.startsWith("https:"); // the Content-Security-Policy lets no other in
  return (
    <>
      {framed && <div className="stage"><iframe src={url} title={t`Video room`} allow="camera; microphone; display-capture; fullscreen; autoplay; picture-in-picture" /></div>}
      <p><a href={url} target="consilium-video" rel="noopener noreferrer" className={framed ? "" : "button"}><Trans>Open the video room in a window of its own</Trans></a></p>
    </>
  );
}
