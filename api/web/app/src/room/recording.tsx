// Recording as one sees it: the question, that it runs, and playing what was recorded.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, session } from "../lib/api.ts";
import { moment } from "../lib/time.ts";
import { recordingStatus } from "../lib/words.ts";
import { Badge, Button, Choices, Dialog, Notice, type Tone, Trouble } from "../ui/parts.tsx";
import type { Recorded } from "./mix.ts";
import { canRecord } from "./recorder.ts";
import { isOpen, ownAnswer, type Recording, type Recordings } from "./recordings.ts";
import { useStore } from "./store.ts";

/** What is asked, or that it runs. Stays in sight for as long as it does. */
export function RecordingNow({ recordings }: { recordings: Recordings }) {
  useStore(recordings);
  const present = recordings.present;
  if (!present) return <Refused recordings={recordings} />;
  if (present.status === "recording") return <Running recordings={recordings} recording={present} />;
  return ownAnswer(present) === null ? <Question recordings={recordings} recording={present} /> : <Asked recordings={recordings} recording={present} />;
}

interface NowProps {
  recordings: Recordings;
  recording: Recording;
}

function Question({ recordings, recording }: NowProps) {
  const { t } = useLingui();
  const consent = useMutation({ mutationFn: (given: boolean) => recordings.consent(recording, given) });
  return (
    <section className="notice warn" role="alert" aria-label={t`Recording`}>
      <h2><Trans>May this consultation be recorded?</Trans></h2>
      <p>{recording.consent_text.text}</p>
      <Trouble error={consent.error} />
      <div className="row">
        <Button look="second" isPending={consent.isPending} onPress={() => consent.mutate(true)}><Trans>Yes, record it</Trans></Button>
        <Button look="second" isPending={consent.isPending} onPress={() => consent.mutate(false)}><Trans>No, do not record</Trans></Button>
      </div>
    </section>
  );
}

function Asked({ recordings, recording }: NowProps) {
  const stop = useMutation({ mutationFn: () => recordings.stop(recording) });
  return (
    <Notice live>
      <p><Trans>It is recorded as soon as everybody has agreed.</Trans></p>
      <Trouble error={stop.error} />
      <div><Button look="second" isPending={stop.isPending} onPress={() => stop.mutate()}><Trans>Do not record after all</Trans></Button></div>
    </Notice>
  );
}

function Running({ recordings, recording }: NowProps) {
  const own = recording.requested_by === session.user?.id;
  const end = useMutation({ mutationFn: () => (own ? recordings.stop(recording) : recordings.consent(recording, false)) });
  return (
    <div className="recording" role="status">
      <span><span className="dot" aria-hidden="true" /> <strong><Trans>Being recorded</Trans></strong></span>
      <Button look="second" isPending={end.isPending} onPress={() => end.mutate()}>
        {own ? <Trans>Stop recording</Trans> : <Trans>I no longer agree</Trans>}
      </Button>
      <Trouble error={end.error} />
    </div>
  );
}

/** Whoever asked is told why nothing is recorded. */
function Refused({ recordings }: { recordings: Recordings }) {
  const last = useStore(recordings).all.at(-1);
  if (!last) return null;
  if (last.status === "refused") return <Notice live><p><Trans>It is not recorded: somebody did not agree.</Trans></p></Notice>;
  if (last.stopped_because === "consent_withdrawn") return <Notice live><p><Trans>Recording has ended: somebody no longer agrees.</Trans></p></Notice>;
  if (last.stopped_because === "consent_missing") return <Notice live><p><Trans>Recording has ended: somebody came in who has not agreed.</Trans></p></Notice>;
  return null;
}

/** For whoever may ask for one. */
export function Record({ recordings, screen }: { recordings: Recordings; screen: boolean }) {
  const { t } = useLingui();
  const { all } = useStore(recordings);
  const [open, setOpen] = useState(false);
  const [media, setMedia] = useState<Recorded>("video");
  const ask = useMutation({ mutationFn: () => recordings.request(media), onSuccess: () => setOpen(false) });
  if (!canRecord || all.some(isOpen)) return null;
  return (
    <>
      <Button look="second" onPress={() => setOpen(true)}><Trans>Record</Trans></Button>
      <Dialog title={t`Record the consultation?`} open={open} onClose={() => setOpen(false)}>
        <p><Trans>Everybody who takes part is asked. It begins when all have agreed, and ends as soon as one no longer does.</Trans></p>
        <Choices legend={t`What is recorded`} name="media" value={media} onChange={setMedia}
          options={[{ value: "video", words: t`Picture and sound` }, { value: "audio", words: t`Sound only` }, ...(screen ? [{ value: "screen" as const, words: t`The shared screen` }] : [])]} />
        <Trouble error={ask.error} />
        <div className="row">
          <Button isPending={ask.isPending} onPress={() => ask.mutate()}><Trans>Ask everybody</Trans></Button>
          <Button look="second" onPress={() => setOpen(false)}><Trans>Never mind</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}

const TONES: Record<string, Tone> = { ready: "good", failed: "bad", refused: "warn", recording: "bad" };

/** What was recorded, to be played by whoever took part. */
export function RecordingList({ recordings }: { recordings: Recordings }) {
  const shown = useStore(recordings).all.filter(({ status }) => status !== "lapsed");
  if (shown.length === 0) return null;
  return (
    <section className="stack">
      <h3><Trans>Recordings</Trans></h3>
      {shown.map((one) => <RecordingCard key={one.id} recording={one} />)}
    </section>
  );
}

function RecordingCard({ recording }: { recording: Recording }) {
  const { t } = useLingui();
  const { id, media, status, started_at, requested_at } = recording;
  const play = useMutation({
    mutationFn: () => answer(api.POST("/api/v1/recordings/{id}/playback", { params: { path: { id } } })),
  });
  const url = play.data?.url;
  const Player = media === "audio" ? "audio" : "video";
  return (
    <article className="card">
      <div className="between"><span>{moment(started_at ?? requested_at)}</span><Badge tone={TONES[status] ?? ""}>{recordingStatus(status)}</Badge></div>
      <Trouble error={play.error} />
      {url ? <Player className="player" src={url} controls autoPlay aria-label={t`Recording`} onError={() => play.reset()} />
        : status === "ready" && <div><Button look="second" isPending={play.isPending} onPress={() => play.mutate()}><Trans>Play</Trans></Button></div>}
    </article>
  );
}
