// The waiting room: the place in the line, something calm, and help when it cannot wait.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { clock, duration, moment } from "../lib/time.ts";
import { role } from "../lib/words.ts";
import { Button, Dialog, Loading, Notice, Page, Trouble } from "../ui/parts.tsx";
import { Conversation } from "./conversation.tsx";
import type { Room } from "./room.ts";
import { useStore } from "./store.ts";

export function Waiting({ room }: { room: Room }) {
  const { t } = useLingui();
  const { joined, consultation, chat } = useStore(room);
  const place = joined?.waiting;
  const title = !place ? t`You are in the waiting room` : place.position === 1 ? t`You are next` : t`You are number ${place.position} in the line`;
  return (
    <Page title={title} lead={consultation ? moment(consultation.starts_at) : undefined}>
      <div className="main-side">
        <div className="stack">
          <div role="status" className="stack">
            {place ? <p className="lead"><Trans>It takes about {duration(place.expected_wait_seconds)}.</Trans></p> : <Loading />}
            {joined?.delay && <Late until={joined.delay.until} text={joined.delay.text ?? null} />}
          </div>
          <p><Trans>Keep this page open. The consultation begins here by itself as soon as the doctor lets you in.</Trans></p>
          <Calm />
          <div className="row">
            <Urgent room={room} />
            <Button look="second" onPress={() => void room.leave()}><Trans>Leave the waiting room</Trans></Button>
          </div>
        </div>
        {chat && <Conversation chat={chat} place={{ purpose: "consultation", id: room.id }} nameOf={(user) => role(room.roleOf(user))} />}
      </div>
    </Page>
  );
}

function Late({ until, text }: { until: string; text: string | null }) {
  const time = clock(until);
  return (
    <Notice tone="warn">
      <p><strong><Trans>Your doctor is late and expects to be there at {time}.</Trans></strong></p>
      {text && <p>{text}</p>}
      <p><Trans>You keep your place.</Trans></p>
    </Notice>
  );
}

/** A circle to breathe with: it grows for four seconds and shrinks for six. */
function Calm() {
  return (
    <section className="card calm">
      <h2><Trans>Breathe with the circle</Trans></h2>
      <div className="breath" aria-hidden="true"><div /></div>
      <p className="quiet"><Trans>In through the nose for four seconds, out for six.</Trans></p>
    </section>
  );
}

function Urgent({ room }: { room: Room }) {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  const { consultation } = useStore(room);
  const tell = useMutation({ mutationFn: () => room.emergency(), onSuccess: () => setOpen(false) });
  return (
    <>
      {consultation?.is_emergency ? <Notice tone="good" live><p><Trans>The doctor knows that it is urgent.</Trans></p></Notice>
        : <Button look="danger" onPress={() => setOpen(true)}><Trans>I need help now</Trans></Button>}
      <Dialog title={t`Do you need help now?`} open={open} onClose={() => setOpen(false)}>
        <p><strong><Trans>Is a life in danger? Call your local emergency number first: 112, 911, 999.</Trans></strong></p>
        <p><Trans>If you are getting worse but can wait for minutes, we put you first in the line and tell the doctor at once.</Trans></p>
        <Trouble error={tell.error} />
        <div className="row">
          <Button look="danger" onPress={() => tell.mutate()} isPending={tell.isPending}><Trans>Tell the doctor</Trans></Button>
          <Button look="second" onPress={() => setOpen(false)}><Trans>I can wait</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}
