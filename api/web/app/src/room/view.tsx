// The room: whom one sees, what one can do, and beside it what is written.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { problem, role as roleName } from "../lib/words.ts";
import { Button, Dialog, Notice, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";
import { Conversation } from "./conversation.tsx";
import { Notes } from "./notes.tsx";
import { Summary } from "./patient.tsx";
import { Prescribe } from "./prescribe.tsx";
import { DeviceChoice } from "./ready.tsx";
import { Report } from "./report.tsx";
import type { Other, Room } from "./room.ts";
import { useStore } from "./store.ts";

export function RoomView({ room }: { room: Room }) {
  const { t } = useLingui();
  useEffect(() => {
    document.title = `${t`Your consultation`} – Consilium`;
  }, [t]);
  return (
    <main id="content" tabIndex={-1} className="room">
      <section className="stack" aria-label={t`Video`}>
        <Heading room={room} />
        <Stage room={room} />
        <Controls room={room} />
        <Told room={room} />
      </section>
      <Panels room={room} />
    </main>
  );
}

function Heading({ room }: { room: Room }) {
  const { t } = useLingui();
  const { consultation, others, grade } = useStore(room);
  const doctor = room.role() === "doctor";
  const now = consultation?.status === "in_progress" ? t`Consultation` : consultation?.status === "waiting" ? t`The patient waits` : doctor ? t`The patient is not here yet` : t`Your consultation`;
  const link = grade === "poor" ? t`Poor connection` : grade === "fair" ? t`Fair connection` : grade === "good" ? t`Good connection` : "";
  return (
    <div className="between">
      <h1>{now}</h1>
      <p className="quiet" role="status">{others.some(({ state }) => state !== "connected") ? t`Connecting …` : link}</p>
    </div>
  );
}

/** Media between the browsers, or the provider's own page: one place for both. */
function Stage({ room }: { room: Room }) {
  const { t } = useLingui();
  const { joined, others, devices, camera, consultation, trouble } = useStore(room);
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
  return (
    <div className="stage">
      {others.length === 0 && <div className="seat"><p><Trans>The other side is not here just now.</Trans></p></div>}
      {others.map((other) => <Seat key={other.user} room={room} other={other} />)}
      <video ref={own} className="own" autoPlay muted playsInline aria-label={t`Your picture`} hidden={!camera} />
    </div>
  );
}

function Seat({ room, other }: { room: Room; other: Other }) {
  const { t } = useLingui();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current && video.current.srcObject !== other.stream) video.current.srcObject = other.stream;
  }, [other.stream]);
  const name = roleName(room.roleOf(other.user));
  const about = [other.microphone ? null : t`muted`, other.screen ? t`shares the screen` : other.camera ? null : t`camera off`, other.hand ? t`raises a hand` : null];
  return (
    <div className="seat">
      <video ref={video} autoPlay playsInline aria-label={name} />
      <span className="name" role="status">{[name, ...about].filter(Boolean).join(" · ")}</span>
    </div>
  );
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

function Controls({ room }: { room: Room }) {
  const { t } = useLingui();
  const state = useStore(room);
  const { consultation, joined, microphone, camera, screen, hand, devices } = state;
  const doctor = room.role() === "doctor";
  const live = consultation?.status === "in_progress";
  const between = live && joined?.video && !joined.video.join_url && !joined.video.token;
  const lead = useMutation({ mutationFn: (verb: "start" | "end") => room.lead(verb) });
  const share = useMutation({ mutationFn: () => room.share() });
  const [settings, setSettings] = useState(false);
  const [ending, setEnding] = useState(false);
  return (
    <>
      <Trouble error={lead.error} />
      <div className="controls" role="toolbar" aria-label={t`Call`}>
        {doctor && !live && (
          <Button onPress={() => lead.mutate("start")} isPending={lead.isPending}>
            {consultation?.status === "waiting" ? <Trans>Admit the patient</Trans> : <Trans>Begin</Trans>}
          </Button>
        )}
        {between && (
          <>
            <Button look="second" pressed={microphone} isDisabled={devices?.microphone !== "ok"} onPress={() => room.mute("microphone", !microphone)}><Trans>Microphone</Trans></Button>
            <Button look="second" pressed={camera} isDisabled={devices?.camera !== "ok"} onPress={() => room.mute("camera", !camera)}><Trans>Camera</Trans></Button>
            {"getDisplayMedia" in (navigator.mediaDevices ?? {}) && (
              <Button look="second" pressed={screen} onPress={() => share.mutate()}><Trans>Share screen</Trans></Button>
            )}
            <Button look="second" pressed={hand} onPress={() => room.raise(!hand)}><Trans>Raise hand</Trans></Button>
            {document.pictureInPictureEnabled && <Button look="second" onPress={small}><Trans>Small window</Trans></Button>}
            <Button look="second" onPress={() => setSettings(true)}><Trans>Devices</Trans></Button>
          </>
        )}
        <Report room={room} />
        <Button look={doctor ? "second" : "danger"} onPress={() => void room.leave()}><Trans>Leave</Trans></Button>
        {doctor && live && <Button look="danger" onPress={() => setEnding(true)}><Trans>End consultation</Trans></Button>}
      </div>
      <Dialog title={t`Devices`} open={settings} onClose={() => setSettings(false)}>
        {devices && <DeviceChoice withCamera={consultation?.visit_type === "video"} wish={{}} onChange={(wish) => void room.use(wish)} devices={devices} />}
        <p className="quiet"><Trans>What you choose is used at once.</Trans></p>
        <Button onPress={() => setSettings(false)}><Trans>Done</Trans></Button>
      </Dialog>
      <Dialog title={t`End the consultation for everybody?`} open={ending} onClose={() => setEnding(false)}>
        <p><Trans>You can still write, and prescribe, afterwards.</Trans></p>
        <Trouble error={lead.error} />
        <div className="row">
          <Button look="danger" isPending={lead.isPending} onPress={() => lead.mutate("end")}><Trans>End it</Trans></Button>
          <Button look="second" onPress={() => setEnding(false)}><Trans>Go on</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}

/** The other side's picture above all other windows. */
function small(): void {
  if (document.pictureInPictureElement) return void document.exitPictureInPicture();
  void document.querySelector<HTMLVideoElement>(".seat video")?.requestPictureInPicture().catch(() => {});
}

/** What the platform advises, and a way out when the call does not work. */
function Told({ room }: { room: Room }) {
  const { advice, backup } = useStore(room);
  return (
    <div aria-live="polite" className="stack">
      {advice && (
        <Notice tone="warn">
          <p>{advice === "chat" ? <Trans>Your connection is too slow for sound. Please write in the chat.</Trans>
            : <Trans>Your connection is slow. Switch off the camera so that you hear each other well.</Trans>}</p>
        </Notice>
      )}
      {backup && (
        <Notice tone="warn">
          <p><Trans>If the call does not work:</Trans> <a href={backup.path}><Trans>open the backup link</Trans></a></p>
          {backup.emergency_contacts.length > 0 && <p><Trans>Or call:</Trans> {backup.emergency_contacts.join(", ")}</p>}
        </Notice>
      )}
    </div>
  );
}

function Panels({ room }: { room: Room }) {
  const { t } = useLingui();
  const { chat, consultation } = useStore(room);
  const id = room.id;
  const doctor = room.role() === "doctor";
  const tabs = [
    { id: "chat", words: t`Chat`, panel: chat ? <Conversation room={room} chat={chat} /> : null },
    ...(doctor ? [
      { id: "patient", words: t`Patient`, panel: <Summary consultationId={id} /> },
      { id: "notes", words: t`Notes`, panel: <Notes consultationId={id} /> },
      { id: "prescribe", words: t`Prescribe`, panel: <Prescribe consultationId={id} running={consultation?.status === "in_progress" || consultation?.status === "completed"} /> },
    ] : [{ id: "prescriptions", words: t`Prescriptions`, panel: <Prescriptions consultationId={id} empty /> }]),
  ];
  return (
    <Tabs className="tabs">
      <TabList className="tablist" aria-label={t`Beside the call`}>
        {tabs.map((tab) => <Tab key={tab.id} id={tab.id} className="tab">{tab.words}</Tab>)}
      </TabList>
      {tabs.map((tab) => <TabPanel key={tab.id} id={tab.id}>{tab.panel}</TabPanel>)}
    </Tabs>
  );
}
