// One doctor: free times in the reader's own time zone, and booking one of them or moving an appointment there.

import { answer, Problem } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { appointment, doctor as doctorQuery, slots as slotsQuery } from "../lib/queries.ts";
import { clock, dateKey, day, moment, ownZone, shortDay, zoneName } from "../lib/time.ts";
import type { Doctor, Slot, VisitType } from "../lib/types.ts";
import { visit } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Choices, Empty, Face, Field, Loaded, Loading, Notice, Page, Trouble } from "../ui/parts.tsx";
import { About } from "./doctors.tsx";
import { WalkIn } from "./walk-in.tsx";

const DAYS = 14;
const VISITS: readonly VisitType[] = ["video", "audio", "chat", "in_person"];

export function Booking() {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id: string };
  const { move } = useSearch({ strict: false }) as { move?: string };
  const user = useUser();
  const query = useQuery(doctorQuery(id));
  if (!query.data) return <Page title={t`Doctor`}><Loaded query={query}>{() => null}</Loaded></Page>;
  const doctor = query.data;
  return (
    <Page title={doctor.display_name} before={<p><Link to="/doctors"><Trans>All doctors</Trans></Link></p>}>
      <div className="person">
        <Face name={doctor.display_name} />
        <div className="stack tight">
          <About doctor={doctor} />
          {doctor.qualifications.length > 0 && <p className="quiet">{doctor.qualifications.join(", ")}</p>}
        </div>
      </div>
      {user?.role === "patient" && !move && <div><WalkIn doctorId={doctor.id} /></div>}
      <Times doctor={doctor} />
    </Page>
  );
}

function inDays(slots: readonly Slot[]): Map<string, Slot[]> {
  const days = new Map<string, Slot[]>();
  for (const slot of slots) {
    const key = dateKey(slot.starts_at);
    days.set(key, [...(days.get(key) ?? []), slot]);
  }
  return days;
}

function Times({ doctor }: { doctor: Doctor }) {
  const { t } = useLingui();
  const [page, setPage] = useState(0);
  const [begin] = useState(() => Date.now());
  const from = new Date(begin + page * DAYS * 86_400_000).toISOString();
  const query = useQuery({ ...slotsQuery(doctor.id, from, DAYS), refetchInterval: 60_000 });
  const [chosen, setChosen] = useState<string | null>(null);
  const [date, setDate] = useState<string | null>(null);
  const byDay = inDays(query.data?.items ?? []);
  const shown = date && byDay.has(date) ? date : ([...byDay.keys()][0] ?? null);
  const times = shown ? (byDay.get(shown) ?? []) : [];
  const free = times.some(({ starts_at }) => starts_at === chosen);
  const zone = ownZone();
  const aside = useRef<HTMLElement>(null);
  useEffect(() => {
    if (chosen) aside.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, [chosen]);
  const later = (
    <div className="row">
      {page > 0 && <Button look="second" onPress={() => setPage(page - 1)}><Trans>Earlier</Trans></Button>}
      {page < 3 && <Button look="second" onPress={() => setPage(page + 1)}><Trans>Later</Trans></Button>}
    </div>
  );
  if (query.isPending) return <Loading />;
  if (!query.data) return <Trouble error={query.error} retry={() => void query.refetch()} />;
  if (!shown) return <Empty><p><Trans>There is no free time in these two weeks.</Trans></p>{later}</Empty>;
  return (
    <div className="main-side">
      <section className="stack">
        <p className="quiet">
          <Trans>Times are yours: {zoneName(zone)}.</Trans>{" "}
          {doctor.time_zone !== zone && <Trans>The doctor is in {zoneName(doctor.time_zone)}.</Trans>}
        </p>
        <Choices legend={t`Day`} name="day" value={shown} onChange={(key) => { setDate(key); setChosen(null); }} className="days"
          options={[...byDay].map(([key, slots]) => ({
            value: key,
            words: <><span>{shortDay(slots[0]?.starts_at ?? key)}</span><small><Trans>{slots.length} free</Trans></small></>,
          }))} />
        <Choices legend={day(times[0]?.starts_at ?? from)} name="time" value={free ? chosen : null} onChange={setChosen} className="times"
          options={times.map(({ starts_at }) => ({ value: starts_at, words: clock(starts_at) }))} />
        {later}
      </section>
      <aside ref={aside} className="card" aria-label={t`Your appointment`}>
        {free && chosen ? <Confirm doctor={doctor} startsAt={chosen} />
          : <p className="quiet"><Trans>Choose a day and a time.</Trans></p>}
      </aside>
    </div>
  );
}

function Confirm({ doctor, startsAt }: { doctor: Doctor; startsAt: string }) {
  const { move } = useSearch({ strict: false }) as { move?: string };
  const user = useUser();
  const next = `/doctors/${doctor.id}`;
  if (!user) {
    return (
      <>
        <h2>{moment(startsAt)}</h2>
        <p><Trans>Sign in to book. You come back to this doctor.</Trans></p>
        <Link to="/sign-in" search={{ next }} className="button"><Trans>Sign in</Trans></Link>
        <Link to="/register" search={{ next }} className="button second"><Trans>Create an account</Trans></Link>
      </>
    );
  }
  if (move) return <Move doctor={doctor} startsAt={startsAt} id={move} />;
  if (user.role !== "patient") return <p><Trans>Only patients can book.</Trans></p>;
  return <Book doctor={doctor} startsAt={startsAt} />;
}

function When({ doctor, startsAt }: { doctor: Doctor; startsAt: string }) {
  const theirs = moment(startsAt, doctor.time_zone);
  return (
    <div>
      <h2>{moment(startsAt)}</h2>
      {doctor.time_zone !== ownZone() && <p className="quiet"><Trans>For the doctor: {theirs}</Trans></p>}
    </div>
  );
}

/** Where a refusal says that the time is gone, the free times are asked for again. */
function useSlotsAgain(doctor: Doctor) {
  const client = useQueryClient();
  return (error: unknown) => {
    if (error instanceof Problem) void client.invalidateQueries({ queryKey: ["slots", doctor.id] });
  };
}

function Book({ doctor, startsAt }: { doctor: Doctor; startsAt: string }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const client = useQueryClient();
  const again = useSlotsAgain(doctor);
  const [kind, setKind] = useState<VisitType>("video");
  const book = useForm(async ({ reason = "" }) => {
    try {
      const body = { doctor_id: doctor.id, starts_at: startsAt, reason: reason.trim(), visit_type: kind };
      const made = await answer(api.POST("/api/v1/appointments", { body }));
      client.setQueryData(appointment(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: ["appointments"] });
      await navigate({ to: `/appointments/${made.id}` as "/appointments" });
    } catch (error) {
      again(error);
      throw error;
    }
  });
  return (
    <Form {...book.form}>
      <When doctor={doctor} startsAt={startsAt} />
      <Field label={t`What is it about?`} name="reason" rows={3} required maxLength={500}
        hint={t`Only your doctor reads this.`} />
      <Choices legend={t`How`} name="visit" value={kind} onChange={setKind} options={VISITS.map((value) => ({ value, words: visit(value) }))} />
      <Trouble error={book.error} />
      <Button type="submit" isPending={book.isPending}><Trans>Book this time</Trans></Button>
    </Form>
  );
}

function Move({ doctor, startsAt, id }: { doctor: Doctor; startsAt: string; id: string }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const move = useMutation({
    mutationFn: () => answer(api.POST("/api/v1/appointments/{id}/reschedule", { params: { path: { id } }, body: { starts_at: startsAt } })),
    onSuccess: async (moved) => {
      client.setQueryData(appointment(id).queryKey, moved);
      void client.invalidateQueries({ queryKey: ["appointments"] });
      await navigate({ to: `/appointments/${id}` as "/appointments" });
    },
    onError: useSlotsAgain(doctor),
  });
  return (
    <>
      <When doctor={doctor} startsAt={startsAt} />
      <Notice><p><Trans>Your appointment moves to this time. A doctor who had confirmed it confirms it again.</Trans></p></Notice>
      <Trouble error={move.error} />
      <Button onPress={() => move.mutate()} isPending={move.isPending}><Trans>Move to this time</Trans></Button>
    </>
  );
}
