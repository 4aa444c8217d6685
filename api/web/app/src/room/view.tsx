// The room: whom one sees, what one can do, and beside it what is written.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { role as roleName } from "../lib/words.ts";
import { Button, Dialog, Notice, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";
import { Conversation } from "./conversation.tsx";
import { Kept } from "./kept.tsx";
import { Notes } from "./notes.tsx";
import { Summary } from "./patient.tsx";
import { Prescribe } from "./prescribe.tsx";
import { DeviceChoice } from "./ready.tsx";
import { Record, RecordingNow } from "./recording.tsx";
import { Report } from "./report.tsx";
import type { Room } from "./room.ts";
import { Stage } from "./stage.tsx";
import { useStore } from "./store.ts";

export function RoomView({ room }: { room: Room }) {
  const { t } = useLingui();
  const { recordings } = useStore(room);
  useEffect(() => {
    document.title = `${t`Your consultation`} – Consilium`;
  }, [t]);
  return (
    <main id="content" tabIndex={-1} className="room">
      <section className="stack" aria-label={t`Video`}>
        <Heading room={room} />
        {recordings && <RecordingNow recordings={recordings} />}
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

function Controls({ room }: { room: Room }) {
  const { t } = useLingui();
  const state = useStore(room);
  const { consultation, joined, microphone, camera, shared, hand, devices, recordings, others } = state;
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
              <Button look="second" pressed={shared !== null} onPress={() => share.mutate()}><Trans>Share screen</Trans></Button>
            )}
            <Button look="second" pressed={hand} onPress={() => room.raise(!hand)}><Trans>Raise hand</Trans></Button>
            {document.pictureInPictureEnabled && <Button look="second" onPress={small}><Trans>Small window</Trans></Button>}
            <Button look="second" onPress={() => setSettings(true)}><Trans>Devices</Trans></Button>
          </>
        )}
        {between && doctor && recordings && <Record recordings={recordings} screen={shared !== null || others.some(({ screen }) => screen)} />}
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
  const nameOf = (user: string) => roleName(room.roleOf(user));
  const tabs = [
    { id: "chat", words: t`Chat`, panel: chat ? <Conversation chat={chat} place={{ purpose: "consultation", id }} nameOf={nameOf} /> : null },
    ...(doctor ? [
      { id: "patient", words: t`Patient`, panel: <Summary consultationId={id} /> },
      { id: "notes", words: t`Notes`, panel: <Notes consultationId={id} /> },
      { id: "prescribe", words: t`Prescribe`, panel: <Prescribe consultationId={id} running={consultation?.status === "in_progress" || consultation?.status === "completed"} /> },
    ] : [{ id: "prescriptions", words: t`Prescriptions`, panel: <Prescriptions consultationId={id} empty /> }]),
    { id: "files", words: t`Files`, panel: <Kept room={room} /> },
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
