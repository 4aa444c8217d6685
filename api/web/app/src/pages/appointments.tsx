// Appointments: all of them, and one, which follows live what the other side does.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { calendarFile, download } from "../lib/calendar.ts";
import { appointment as appointmentQuery, appointments } from "../lib/queries.ts";
import { moment, ownZone, relative, useNow, zoneName } from "../lib/time.ts";
import type { Appointment } from "../lib/types.ts";
import { visit } from "../lib/words.ts";
import { FollowUps } from "./follow-ups.tsx";
import { AppointmentCard, isAhead, StatusBadge, useOther } from "../ui/appointment.tsx";
import { Button, Dialog, Empty, Field, Loaded, Notice, Page, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";

export function Appointments() {
  const { t } = useLingui();
  const now = useNow();
  const patient = useUser()?.role === "patient";
  return (
    <Page title={t`Appointments`}>
      {patient && <FollowUps />}
      <Loaded query={useQuery(appointments())}>
        {({ items }) => {
          const ahead = items.filter((one) => isAhead(one, now));
          const past = items.filter((one) => !isAhead(one, now)).reverse();
          return (
            <>
              <section className="stack">
                <h2><Trans>Upcoming</Trans></h2>
                {ahead.length === 0 && (
                  <Empty>
                    <p><Trans>Nothing is booked.</Trans></p>
                    {patient && <Link to="/doctors" className="button"><Trans>Find a doctor</Trans></Link>}
                  </Empty>
                )}
                {ahead.map((one) => <AppointmentCard key={one.id} appointment={one} />)}
              </section>
              {past.length > 0 && (
                <section className="stack">
                  <h2><Trans>Past and cancelled</Trans></h2>
                  {past.map((one) => <AppointmentCard key={one.id} appointment={one} />)}
                </section>
              )}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

export function AppointmentPage() {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery(appointmentQuery(id));
  return (
    <Page title={t`Your appointment`} width="narrow" before={<p><Link to="/appointments"><Trans>All appointments</Trans></Link></p>}>
      <Loaded query={query}>{(appointment) => <Details appointment={appointment} />}</Loaded>
    </Page>
  );
}

function Details({ appointment }: { appointment: Appointment }) {
  const { t } = useLingui();
  const now = useNow();
  const other = useOther(appointment);
  const ahead = isAhead(appointment, now);
  const { status, starts_at, consultation_id, reason, visit_type } = appointment;
  return (
    <>
      <div aria-live="polite" className="stack">
        <div className="row"><StatusBadge code={status} />{ahead && <span className="quiet">{relative(starts_at, now)}</span>}</div>
        <WhatNow appointment={appointment} />
      </div>
      <dl className="facts">
        <dt><Trans>With</Trans></dt><dd>{other}</dd>
        <dt><Trans>When</Trans></dt><dd>{moment(starts_at)}<br /><span className="quiet">{zoneName(ownZone(), starts_at)}</span></dd>
        <dt><Trans>How</Trans></dt><dd>{visit(visit_type)}</dd>
        {reason && <><dt><Trans>What about</Trans></dt><dd>{reason}</dd></>}
      </dl>
      {consultation_id && status === "accepted" && (
        <Link to={`/consultations/${consultation_id}` as "/"} className="button"><Trans>Get ready and come in</Trans></Link>
      )}
      {consultation_id && <Prescriptions consultationId={consultation_id} />}
      {ahead && (
        <div className="row">
          <Button look="second" onPress={() => download("appointment.ics", new Blob([calendarFile(appointment, t`Appointment with ${other}`)], { type: "text/calendar" }))}>
            <Trans>Add to calendar</Trans>
          </Button>
          <Link to={`/doctors/${appointment.doctor_id}` as "/doctors"} search={{ move: appointment.id } as never} className="button second"><Trans>Move</Trans></Link>
          <Cancel appointment={appointment} />
        </div>
      )}
    </>
  );
}

/** What the status means for whoever reads, in a sentence. */
function WhatNow({ appointment: { status } }: { appointment: Appointment }) {
  const doctor = useUser()?.role === "doctor";
  switch (status) {
    case "pending":
      return doctor ? null : <Notice><p><Trans>The doctor has been asked. This page changes by itself when there is an answer, and you get a mail.</Trans></p></Notice>;
    case "accepted":
      return <Notice tone="good"><p><Trans>Confirmed. You can come in from 15 minutes before the start.</Trans></p></Notice>;
    case "rejected":
      return <Notice tone="warn"><p><Trans>The doctor cannot take this appointment.</Trans> {!doctor && <Link to="/doctors"><Trans>Find another time</Trans></Link>}</p></Notice>;
    default:
      return null;
  }
}

function Cancel({ appointment }: { appointment: Appointment }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const cancel = useMutation({
    mutationFn: () => answer(api.POST("/api/v1/appointments/{id}/cancel", {
      params: { path: { id: appointment.id } }, body: reason.trim() ? { reason: reason.trim() } : {},
    })),
    onSuccess: (changed) => {
      client.setQueryData(appointmentQuery(appointment.id).queryKey, changed);
      void client.invalidateQueries({ queryKey: ["appointments"] });
      // Whatever was asked for meanwhile may still say what was before.
      void client.invalidateQueries({ queryKey: appointmentQuery(appointment.id).queryKey });
      setOpen(false);
    },
    onError: () => void client.invalidateQueries({ queryKey: ["appointment", appointment.id] }),
  });
  return (
    <>
      <Button look="second" onPress={() => setOpen(true)}><Trans>Cancel appointment</Trans></Button>
      <Dialog title={t`Cancel this appointment?`} open={open} onClose={() => setOpen(false)}>
        <p>{moment(appointment.starts_at)}</p>
        <Field label={t`Why (you need not say)`} name="reason" value={reason} onChange={setReason} maxLength={500} />
        <Trouble error={cancel.error} />
        <div className="row">
          <Button look="danger" onPress={() => cancel.mutate()} isPending={cancel.isPending}><Trans>Yes, cancel it</Trans></Button>
          <Button look="second" onPress={() => setOpen(false)}><Trans>Keep it</Trans></Button>
        </div>
      </Dialog>
    </>
  );
}
