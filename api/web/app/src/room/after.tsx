// After the consultation: what was prescribed, a rating, and the chat, which stays open for some days.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../lib/api.ts";
import { role } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Choices, Field, Notice, Page, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";
import { Conversation } from "./conversation.tsx";
import { Kept } from "./kept.tsx";
import { Notes } from "./notes.tsx";
import { Prescribe } from "./prescribe.tsx";
import type { Room } from "./room.ts";
import { useStore } from "./store.ts";

export function After({ room }: { room: Room }) {
  const { t } = useLingui();
  const { chat, consultation } = useStore(room);
  const doctor = room.role() === "doctor";
  const met = consultation?.status === "completed";
  return (
    <Page title={met ? t`The consultation is over` : t`The consultation did not take place`}>
      <div className="main-side">
        <div className="stack">
          {doctor ? met && <><Notes consultationId={room.id} /><Prescribe consultationId={room.id} running /></>
            : <><Prescriptions consultationId={room.id} />{met && <Rate id={room.id} />}</>}
          <Kept room={room} />
          <div className="row">
            {doctor ? <Link to={"/waiting-room" as "/"} className="button second"><Trans>To the waiting room</Trans></Link>
              : <Link to="/appointments" className="button second"><Trans>Your appointments</Trans></Link>}
            {!doctor && !met && <Link to="/doctors" className="button"><Trans>Find another time</Trans></Link>}
          </div>
        </div>
        {chat && <Conversation chat={chat} place={{ purpose: "consultation", id: room.id }} nameOf={(user) => role(room.roleOf(user))} />}
      </div>
    </Page>
  );
}

const STARS = ["1", "2", "3", "4", "5"] as const;

function Rate({ id }: { id: string }) {
  const { t } = useLingui();
  const [stars, setStars] = useState<(typeof STARS)[number] | null>(null);
  const [done, setDone] = useState(false);
  const rate = useForm(async ({ text = "" }) => {
    const body = { rating: Number(stars), ...(text.trim() ? { text: text.trim() } : {}) };
    await answer(api.POST("/api/v1/consultations/{id}/rating", { params: { path: { id } }, body }));
    setDone(true);
  });
  if (done) return <Notice tone="good" live><p><Trans>Thank you.</Trans></p></Notice>;
  return (
    <section className="card">
      <h2><Trans>How was it?</Trans></h2>
      <Form {...rate.form}>
        <Choices legend={t`From 1 (bad) to 5 (very good)`} name="stars" className="stars" value={stars} onChange={setStars} options={STARS.map((value) => ({ value, words: value }))} />
        {stars && <Field label={t`What should we know?`} name="text" rows={2} maxLength={2000} />}
        <Trouble error={rate.error} />
        <div><Button type="submit" isDisabled={!stars} isPending={rate.isPending}><Trans>Send</Trans></Button></div>
      </Form>
    </section>
  );
}
