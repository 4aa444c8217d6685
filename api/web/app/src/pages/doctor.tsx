// A doctor's day: what was asked for, what is booked, who waits.

import { answer, type Subscription } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, connection, useUser } from "../lib/api.ts";
import { appointment as appointmentQuery, appointments, waitingRoom } from "../lib/queries.ts";
import { clock, dateKey, day, duration, moment, relative, useNow } from "../lib/time.ts";
import type { Appointment } from "../lib/types.ts";
import { visit } from "../lib/words.ts";
import { StatusBadge, useOther, usePatientName } from "../ui/appointment.tsx";
import { Badge, Button, Choices, Dialog, Empty, Face, Field, Loaded, Notice, Page, Select, Trouble } from "../ui/parts.tsx";

// --- requests ---------------------------------------------------------------------------------------------------

export function Requests() {
  const { t } = useLingui();
  const query = useQuery(appointments({ status: "pending" }));
  return (
    <Page title={t`Requests`} lead={t`Patients wait for your answer. A request that nobody answers lapses when its time comes.`}>
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>Nobody waits for an answer.</Trans></p></Empty>
          : <ul className="stack">{items.map((one) => <li key={one.id}><Request appointment={one} /></li>)}</ul>}
      </Loaded>
    </Page>
  );
}

function Request({ appointment }: { appointment: Appointment }) {
  const { t } = useLingui();
  const now = useNow();
  const client = useQueryClient();
  const other = useOther(appointment);
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const { id } = appointment;
  const reply = useMutation({
    mutationFn: (verb: "accept" | "reject") => verb === "accept"
      ? answer(api.POST("/api/v1/appointments/{id}/accept", { params: { path: { id } } }))
      : answer(api.POST("/api/v1/appointments/{id}/reject", { params: { path: { id } }, body: reason.trim() ? { reason: reason.trim() } : {} })),
    onSettled: () => client.invalidateQueries({ queryKey: ["appointments"] }),
    onSuccess: (changed) => client.setQueryData(appointmentQuery(id).queryKey, changed),
  });
  return (
    <article className="card">
      <div className="between">
        <div className="person">
          <Face name={other} />
          <div>
            <h2>{moment(appointment.starts_at)}</h2>
            <p>{other} · {visit(appointment.visit_type)} · {relative(appointment.starts_at, now)}</p>
          </div>
        </div>
        {appointment.is_emergency && <Badge tone="bad"><Trans>Emergency</Trans></Badge>}
      </div>
      {appointment.reason && <p>{appointment.reason}</p>}
      {appointment.symptoms && <p className="quiet">{appointment.symptoms}</p>}
      <Trouble error={reply.error} />
      <div className="row">
        <Button onPress={() => reply.mutate("accept")} isPending={reply.isPending && reply.variables === "accept"}><Trans>Accept</Trans></Button>
        <Button look="second" onPress={() => setOpen(true)}><Trans>Decline</Trans></Button>
      </div>
      <Dialog title={t`Decline this request?`} open={open} onClose={() => setOpen(false)}>
        <Field label={t`What the patient should know`} name="reason" rows={2} value={reason} onChange={setReason} maxLength={500} />
        <div className="row">
          <Button look="danger" onPress={() => { setOpen(false); reply.mutate("reject"); }}><Trans>Decline</Trans></Button>
          <Button look="second" onPress={() => setOpen(false)}><Trans>Back</Trans></Button>
        </div>
      </Dialog>
    </article>
  );
}

// --- calendar ---------------------------------------------------------------------------------------------------

const DAY = 86_400_000;
type Span = "day" | "week";

/** Midnight of the reader's day, as near as a calendar needs it: queries ask for a little more and the days are cut here. */
export function Calendar() {
  const { t } = useLingui();
  const [span, setSpan] = useState<Span>("day");
  const [offset, setOffset] = useState(0);
  const days = span === "day" ? 1 : 7;
  const [today] = useState(() => Date.now());
  const first = today + offset * days * DAY;
  const keys = Array.from({ length: days }, (_, index) => ({ key: dateKey(new Date(first + index * DAY)), at: new Date(first + index * DAY) }));
  const range = { from: new Date(first - DAY).toISOString(), to: new Date(first + (days + 1) * DAY).toISOString() };
  const query = useQuery({ ...appointments(range), placeholderData: (before) => before });
  return (
    <Page title={t`Calendar`} {...(span === "week" ? { width: "wide" as const } : {})}>
      <div className="between">
        <Choices legend={<span className="sr-only"><Trans>How much</Trans></span>} name="span" value={span} onChange={(now) => { setSpan(now); setOffset(0); }}
          options={[{ value: "day", words: t`Day` }, { value: "week", words: t`Week` }]} />
        <div className="row">
          <Button look="second" onPress={() => setOffset(offset - 1)}><Trans>Earlier</Trans></Button>
          <Button look="second" onPress={() => setOffset(0)} isDisabled={offset === 0}><Trans>Today</Trans></Button>
          <Button look="second" onPress={() => setOffset(offset + 1)}><Trans>Later</Trans></Button>
        </div>
      </div>
      <Loaded query={query}>
        {({ items }) => (
          <div className="week">
            {keys.map(({ key, at }) => {
              const booked = items.filter(({ starts_at, status }) => dateKey(starts_at) === key && !["cancelled", "rejected"].includes(status));
              return (
                <section key={key} className="stack" aria-label={day(at)}>
                  <h2>{day(at)}</h2>
                  {booked.length === 0 && <p className="quiet"><Trans>Nothing</Trans></p>}
                  {booked.map((one) => <Booked key={one.id} appointment={one} />)}
                </section>
              );
            })}
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Booked({ appointment }: { appointment: Appointment }) {
  const other = useOther(appointment);
  const { consultation_id, status, starts_at, ends_at, visit_type, id } = appointment;
  return (
    <article className="card">
      <div className="between"><strong>{clock(starts_at)}–{clock(ends_at)}</strong><StatusBadge code={status} /></div>
      <p><Link to={`/appointments/${id}` as "/appointments"}>{other}</Link> · {visit(visit_type)}</p>
      {consultation_id && status === "accepted" && <div><Link className="button second" to={`/consultations/${consultation_id}` as "/"}><Trans>Open the room</Trans></Link></div>}
    </article>
  );
}

// --- waiting room -----------------------------------------------------------------------------------------------

function useWaitingRoom(id: string) {
  const client = useQueryClient();
  useEffect(() => {
    const again = () => void client.invalidateQueries({ queryKey: ["waiting-room", id] });
    const subscription: Subscription = connection.subscribe(`waiting_room:${id}`, { event: again, gap: again, ready: again });
    return () => subscription.close();
  }, [id, client]);
  return useQuery(waitingRoom(id));
}

export function WaitingRoom() {
  const { t } = useLingui();
  const id = useUser()?.doctor_id ?? "";
  return (
    <Page title={t`Waiting room`}>
      <Line id={id} />
    </Page>
  );
}

export function Line({ id }: { id: string }) {
  const { t } = useLingui();
  const query = useWaitingRoom(id);
  const now = useNow();
  const role = useUser()?.role;
  const doctor = role === "doctor";
  return (
    <Loaded query={query}>
      {({ items, delay, walk_ins }) => (
        <div className="main-side">
          <div className="stack" aria-live="polite">
            {items.length === 0 && <Empty><p><Trans>Nobody waits.</Trans></p></Empty>}
            {items.map((one) => (
              <article key={one.consultation_id} className="card">
                <div className="between">
                  <div className="person">
                    <span className="face">{one.position}</span>
                    <div>
                      <PatientName id={one.patient_id} />
                      <p className="quiet">
                        {one.kind === "walk_in" ? t`Walked in` : t`Booked for ${clock(one.starts_at)}`}
                        {one.waiting_since && <> · <Trans>waits {duration((now - new Date(one.waiting_since).getTime()) / 1000)}</Trans></>}
                      </p>
                      {one.device_check && (one.device_check.camera === "blocked" || one.device_check.microphone === "blocked") && <p className="quiet"><Trans>Camera or microphone is blocked</Trans></p>}
                    </div>
                  </div>
                  {one.is_emergency && <Badge tone="bad"><Trans>Emergency</Trans></Badge>}
                </div>
                {doctor && <Admit consultationId={one.consultation_id} />}
              </article>
            ))}
          </div>
          {(doctor || role === "nurse") && (
            <div className="stack">
              <Delay id={id} until={delay?.until ?? null} />
              <WalkIns id={id} accept={walk_ins} />
            </div>
          )}
        </div>
      )}
    </Loaded>
  );
}

function PatientName({ id }: { id: string }) {
  return <h2>{usePatientName(id)}</h2>;
}

function Admit({ consultationId: id }: { consultationId: string }) {
  const navigate = useNavigate();
  return <div><Button onPress={() => void navigate({ to: `/consultations/${id}` as "/" })}><Trans>Open the room</Trans></Button></div>;
}

function Delay({ id, until }: { id: string; until: string | null }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const tell = useMutation({
    mutationFn: (minutes: number) => answer(api.POST("/api/v1/doctors/{id}/waiting-room/delay", {
      params: { path: { id } }, body: minutes > 0 ? { minutes, reason: "running_late" } : { minutes },
    })),
    onSettled: () => client.invalidateQueries({ queryKey: ["waiting-room", id] }),
  });
  return (
    <section className="card">
      <h2><Trans>Running late?</Trans></h2>
      {until ? <Notice tone="warn"><p><Trans>Patients are told: until {clock(until)}.</Trans></p></Notice> : <p className="quiet"><Trans>Everybody who waits is told at once.</Trans></p>}
      <Trouble error={tell.error} />
      <div className="row">
        {[10, 20, 30].map((minutes) => <Button key={minutes} look="second" onPress={() => tell.mutate(minutes)}>{t`${minutes} min`}</Button>)}
        {until && <Button look="second" onPress={() => tell.mutate(0)}><Trans>Back in time</Trans></Button>}
      </div>
    </section>
  );
}

function WalkIns({ id, accept }: { id: string; accept: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const take = useMutation({
    mutationFn: (now: string) => answer(api.POST("/api/v1/doctors/{id}/waiting-room/walk-ins", { params: { path: { id } }, body: { accept: now } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["waiting-room", id] }),
  });
  return (
    <section className="card">
      <Select label={t`Patients without an appointment`} value={accept} onChange={(now) => take.mutate(now)}
        options={[["in_hours", t`In your hours`], ["always", t`Always`], ["never", t`Never`]]} />
      <Trouble error={take.error} />
    </section>
  );
}
