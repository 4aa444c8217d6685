// A consultation: getting ready, waiting, the room, and what comes after it.

import { Problem } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useUser } from "../lib/api.ts";
import { consultation as consultationQuery } from "../lib/queries.ts";
import { moment, relative, useNow } from "../lib/time.ts";
import type { Consultation } from "../lib/types.ts";
import { After } from "../room/after.tsx";
import type { Devices } from "../room/media.ts";
import { Ready } from "../room/ready.tsx";
import { Room } from "../room/room.ts";
import { RoomView } from "../room/view.tsx";
import { useStore } from "../room/store.ts";
import { Waiting } from "../room/waiting.tsx";
import { Button, Loaded, Loading, Notice, Page, Trouble } from "../ui/parts.tsx";
import "../style/room.css";

const NOTHING = (): Devices => ({ stream: new MediaStream(), camera: "unchecked", microphone: "unchecked" });

export function ConsultationPage() {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery({ ...consultationQuery(id), staleTime: 0 });
  if (query.error instanceof Problem && query.error.status === 404) {
    return (
      <Page title={t`This link is not for you, or does not work any more`} width="narrow"
        lead={t`Perhaps you are signed in with another account than the one that has the appointment.`}>
        <div><Link to="/appointments" className="button"><Trans>Your appointments</Trans></Link></div>
      </Page>
    );
  }
  if (!query.data) return <Page title={t`Your consultation`}><Loaded query={query}>{() => null}</Loaded></Page>;
  return <Visit key={id} consultation={query.data} />;
}

function Visit({ consultation }: { consultation: Consultation }) {
  const [room, setRoom] = useState<Room | null>(null);
  const [begun] = useState(consultation.status);
  const [away, setAway] = useState(false);
  const over = begun === "completed" || begun === "abandoned";
  const silent = over || consultation.visit_type === "chat" || consultation.visit_type === "in_person";
  useEffect(() => () => room?.close(), [room]);
  const enter = (devices: Devices) => {
    const made = new Room(consultation.id);
    made.enter(devices);
    setRoom(made);
    setAway(false);
  };
  useEffect(() => {
    if (!silent) return;
    const made = new Room(consultation.id);
    made.enter(NOTHING());
    setRoom(made);
  }, [silent, consultation.id]);
  if (room && !away) return <Inside room={room} onLeft={() => setAway(true)} />;
  if (silent && !away) return null;
  return <Ready consultation={consultation} back={away} onReady={silent ? () => enter(NOTHING()) : enter} />;
}

function Inside({ room, onLeft }: { room: Room; onLeft: () => void }) {
  const { t } = useLingui();
  const state = useStore(room);
  useEffect(() => {
    if (state.stage === "left") onLeft();
  }, [state.stage, onLeft]);
  if (state.stage === "joining") {
    const { trouble } = state;
    if (trouble instanceof Problem && trouble.code === "too_early") return <TooEarly room={room} />;
    return (
      <Page title={t`Your consultation`} width="narrow">
        {trouble ? <Trouble error={trouble} retry={() => room.join()} /> : <Loading />}
      </Page>
    );
  }
  if (state.stage === "waiting") return <Waiting room={room} />;
  if (state.stage === "over") return <After room={room} />;
  return <RoomView room={room} />;
}

const EARLY = 15 * 60_000;

/** Goes in by itself when the time has come. */
function TooEarly({ room }: { room: Room }) {
  const { t } = useLingui();
  const { consultation } = useStore(room);
  const now = useNow(5_000);
  const starts = consultation?.starts_at;
  const opens = starts ? new Date(new Date(starts).getTime() - EARLY).toISOString() : null;
  const due = opens !== null && new Date(opens).getTime() <= now;
  useEffect(() => {
    if (due) room.join();
  }, [due, room]);
  return (
    <Page title={t`You are early`} width="narrow" lead={starts ? t`Your consultation begins ${moment(starts)}.` : undefined}>
      <Notice live>
        <p>{opens ? <Trans>You can come in {relative(opens, now)}. Keep this page open: it goes on by itself.</Trans> : <Trans>Please come back later.</Trans>}</p>
      </Notice>
      <div className="row">
        <Button look="second" onPress={() => void room.leave()}><Trans>Check camera and microphone again</Trans></Button>
        <Link to="/appointments" className="button second"><Trans>Your appointments</Trans></Link>
      </div>
    </Page>
  );
}

export function useIsDoctor(): boolean {
  return useUser()?.role === "doctor";
}
