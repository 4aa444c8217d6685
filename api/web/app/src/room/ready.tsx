// Getting ready: one's own picture, the level of the microphone, and what to do when one of them does not work.

import { Trans, useLingui } from "@lingui/react/macro";
import { useEffect, useRef, useState } from "react";
import { api } from "../lib/api.ts";
import { moment } from "../lib/time.ts";
import type { Consultation } from "../lib/types.ts";
import { Button, Loading, Notice, Page, Select } from "../ui/parts.tsx";
import { type Devices, type DeviceState, list, listen, open, stop, type Wish } from "./media.ts";

interface ReadyProps {
  consultation: Consultation;
  /** Left a moment ago. */
  back: boolean;
  /** The devices stay open for whoever is told of them. */
  onReady: (devices: Devices) => void;
}

export function Ready({ consultation, back, onReady }: ReadyProps) {
  const { t } = useLingui();
  const withCamera = consultation.visit_type === "video";
  const [wish, setWish] = useState<Wish>({});
  const [tries, setTries] = useState(0);
  const [devices, setDevices] = useState<Devices | null>(null);
  const kept = useRef(false);
  useEffect(() => {
    let gone = false;
    let opened: Devices | null = null;
    void open(wish, withCamera).then((found) => {
      if (gone) return stop(found.stream);
      opened = found;
      setDevices(found);
      void report(consultation.id, found);
    });
    return () => {
      gone = true;
      if (!kept.current) stop(opened?.stream ?? null);
    };
  }, [wish, tries, withCamera, consultation.id]);
  const enter = () => {
    if (!devices) return;
    kept.current = true;
    onReady(devices);
  };
  return (
    <Page title={back ? t`You have left` : t`Get ready`} lead={back ? t`You can come back as long as the consultation goes on.` : moment(consultation.starts_at)}>
      {devices ? (
        <div className="main-side">
          <div className="stack">
            {withCamera && <Preview devices={devices} />}
            <Level devices={devices} />
          </div>
          <div className="stack">
            <Denied devices={devices} again={() => setTries(tries + 1)} />
            <DeviceChoice withCamera={withCamera} wish={wish} onChange={setWish} devices={devices} />
            <Button onPress={enter}><Trans>Come in</Trans></Button>
            <p className="quiet"><Trans>Only the people of this consultation can see and hear you.</Trans></p>
          </div>
        </div>
      ) : <><p><Trans>Your browser asks whether this page may use camera and microphone. Please allow it.</Trans></p><Loading /></>}
    </Page>
  );
}

/** The doctor sees in the waiting room what works. */
function report(id: string, { camera, microphone }: Devices): Promise<unknown> {
  const body = { camera, microphone };
  return api.POST("/api/v1/consultations/{id}/device-check", { params: { path: { id } }, body }).catch(() => {});
}

function Preview({ devices: { stream, camera } }: { devices: Devices }) {
  const { t } = useLingui();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return (
    <div className="preview">
      <video ref={video} autoPlay muted playsInline aria-label={t`Your picture`} hidden={camera !== "ok"} />
      {camera !== "ok" && <p><Trans>No picture</Trans></p>}
    </div>
  );
}

function Level({ devices: { stream, microphone } }: { devices: Devices }) {
  const { t } = useLingui();
  const meter = useRef<HTMLMeterElement>(null);
  const [heard, setHeard] = useState(false);
  useEffect(() => listen(stream, (level) => {
    if (meter.current) meter.current.value = level;
    if (level > 0.02) setHeard(true);
  }), [stream]);
  if (microphone !== "ok") return null;
  return (
    <div className="stack tight">
      <label className="label" htmlFor="level"><Trans>Your microphone</Trans></label>
      <meter id="level" ref={meter} min={0} max={1} value={0} />
      <p className="quiet" role="status">{heard ? t`We can hear you.` : t`Say something: the bar should move.`}</p>
    </div>
  );
}

interface ChoiceProps {
  withCamera: boolean;
  wish: Wish;
  onChange: (wish: Wish) => void;
  devices: Devices;
}

/** Only where there is a choice. */
export function DeviceChoice({ withCamera, wish, onChange, devices }: ChoiceProps) {
  const { t } = useLingui();
  const [all, setAll] = useState<Awaited<ReturnType<typeof list>>>({ camera: [], microphone: [] });
  useEffect(() => {
    const look = () => void list().then(setAll);
    look();
    navigator.mediaDevices?.addEventListener("devicechange", look);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
  }, [devices]);
  const used = (kind: "audio" | "video") => devices.stream.getTracks().find((track) => track.kind === kind)?.getSettings().deviceId ?? "";
  return (
    <>
      {withCamera && all.camera.length > 1 && (
        <Select label={t`Camera`} value={wish.camera ?? used("video")} options={all.camera} onChange={(camera) => onChange({ ...wish, camera })} />
      )}
      {all.microphone.length > 1 && (
        <Select label={t`Microphone`} value={wish.microphone ?? used("audio")} options={all.microphone} onChange={(microphone) => onChange({ ...wish, microphone })} />
      )}
    </>
  );
}

/** What does not work, and what to do about it in this browser. */
function Denied({ devices, again }: { devices: Devices; again: () => void }) {
  const { t } = useLingui();
  const states: DeviceState[] = [devices.camera, devices.microphone];
  const blocked = states.includes("blocked");
  if (!states.some((state) => state !== "ok" && state !== "unchecked")) return null;
  const what = devices.camera === "ok" || devices.camera === "unchecked" ? t`The microphone does not work`
    : devices.microphone === "ok" ? t`The camera does not work` : t`Camera and microphone do not work`;
  return (
    <Notice tone="warn" live>
      <h2>{what}</h2>
      {blocked ? <Allow /> : devices.camera === "failed" || devices.microphone === "failed"
        ? <p><Trans>Perhaps another program uses it. Close other calls, then try again.</Trans></p>
        : <p><Trans>We found none. Connect one, or come in without: you can always write.</Trans></p>}
      <div><Button look="second" onPress={again}><Trans>Try again</Trans></Button></div>
      <p><Trans>You can also come in without it and write in the chat.</Trans></p>
    </Notice>
  );
}

/** Where each browser hides the permission. */
function Allow() {
  const agent = navigator.userAgent;
  const apple = /iPhone|iPad/.test(agent);
  if (apple) return <p><Trans>Open Settings, choose your browser, and switch on camera and microphone. Then come back and try again.</Trans></p>;
  if (/Firefox/.test(agent)) return <p><Trans>Click on the crossed-out camera at the left of the address bar, remove the block, then try again.</Trans></p>;
  if (/Android/.test(agent)) return <p><Trans>Tap the symbol left of the address, choose Permissions, and allow camera and microphone. Then try again.</Trans></p>;
  if (/Safari/.test(agent) && !/Chrome/.test(agent)) return <p><Trans>In the menu Safari choose Settings for This Website, and allow camera and microphone. Then try again.</Trans></p>;
  return <p><Trans>Click on the symbol left of the address, allow camera and microphone, then try again.</Trans></p>;
}
