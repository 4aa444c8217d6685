// A doctor's hours: the week, days that are different, how long a slot is, and what patients are offered because of it.

import { answer, Problem, versioned } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { slots } from "../lib/queries.ts";
import { clock, dateKey, day, zoneName } from "../lib/time.ts";
import type { components } from "@consilium/client";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Empty, Field, Loaded, Notice, Page, Select, Trouble } from "../ui/parts.tsx";

type Hours = components["schemas"]["Availability"];
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

export function Availability() {
  const { t } = useLingui();
  const id = useUser()?.doctor_id ?? "";
  const query = useQuery({
    queryKey: ["availability", id],
    queryFn: () => versioned(api.GET("/api/v1/doctors/{id}/availability", { params: { path: { id } } })),
    refetchOnWindowFocus: false,
  });
  return (
    <Page title={t`Your hours`} lead={t`Patients can book what lies within these hours and is still free.`}>
      <Loaded query={query}>
        {({ value, version }) => (
          <div className="main-side">
            <Editor key={version} id={id} hours={value} version={version} />
            <Preview id={id} zone={value.time_zone} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Editor({ id, hours, version }: { id: string; hours: Hours; version: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [weekly, setWeekly] = useState(hours.weekly);
  const [exceptions, setExceptions] = useState(hours.exceptions ?? []);
  const own = useUser()?.time_zone ?? "UTC";
  const zone = hours.weekly.length > 0 ? hours.time_zone : own;
  const [saved, setSaved] = useState(false);
  const save = useForm(async ({ slot_minutes = "", buffer_minutes = "", lead_time_minutes = "" }) => {
    const body: Hours = {
      time_zone: zone, weekly, exceptions,
      slot_minutes: Number(slot_minutes), buffer_minutes: Number(buffer_minutes), lead_time_minutes: Number(lead_time_minutes),
    };
    const params = { path: { id }, header: { "If-Match": version } };
    try {
      await answer(api.PUT("/api/v1/doctors/{id}/availability", { params, body } as never));
      setSaved(true);
      await client.invalidateQueries({ queryKey: ["slots", id] });
      await client.invalidateQueries({ queryKey: ["availability", id] });
    } catch (error) {
      if (error instanceof Problem && error.status === 412) await client.invalidateQueries({ queryKey: ["availability", id] });
      throw error;
    }
  });
  const names: Record<(typeof DAYS)[number], string> = {
    monday: t`Monday`, tuesday: t`Tuesday`, wednesday: t`Wednesday`, thursday: t`Thursday`, friday: t`Friday`, saturday: t`Saturday`, sunday: t`Sunday`,
  };
  const change = (index: number, to: Partial<Hours["weekly"][number]>) => setWeekly(weekly.map((one, at) => (at === index ? { ...one, ...to } : one)));
  const other = (index: number, to: Partial<(typeof exceptions)[number]>) => setExceptions(exceptions.map((one, at) => (at === index ? { ...one, ...to } : one)));
  return (
    <Form {...save.form}>
      <p className="quiet"><Trans>Hours are in {zoneName(zone)}.</Trans></p>
      <fieldset>
        <legend><Trans>Every week</Trans></legend>
        {weekly.length === 0 && <Empty><p><Trans>You have no hours yet: nobody can book.</Trans></p></Empty>}
        {weekly.map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have nothing else that stays
          <div className="hours" key={index}>
            <Select label={t`Day`} value={one.day} onChange={(name) => change(index, { day: name })} options={DAYS.map((name) => [name, names[name]] as const)} />
            <Field label={t`From`} name={`start-${index}`} type="time" required value={one.start} onChange={(start) => change(index, { start })} />
            <Field label={t`To`} name={`end-${index}`} type="time" required value={one.end === "24:00" ? "23:59" : one.end} onChange={(end) => change(index, { end })} />
            <Button look="plain" onPress={() => setWeekly(weekly.filter((_, at) => at !== index))}><Trans>Remove</Trans></Button>
          </div>
        ))}
        <div className="row">
          <Button look="second" onPress={() => setWeekly([...weekly, { day: free(weekly), start: "09:00", end: "13:00" }])}><Trans>Add hours</Trans></Button>
        </div>
      </fieldset>
      <fieldset>
        <legend><Trans>Days that are different</Trans></legend>
        {exceptions.map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have nothing else that stays
          <div className="hours" key={index}>
            <Field label={t`Date`} name={`date-${index}`} type="date" required value={one.date} onChange={(date) => other(index, { date })} />
            <Select label={t`What`} value={one.closed ? "closed" : "open"} options={[["closed", t`Closed`], ["open", t`Other hours`]]}
              onChange={(what) => setExceptions(exceptions.map((before, at) => at !== index ? before
                : what === "closed" ? { date: before.date, closed: true } : { date: before.date, start: "09:00", end: "13:00" }))} />
            {!one.closed && (
              <>
                <Field label={t`From`} name={`other-start-${index}`} type="time" required value={one.start ?? ""} onChange={(start) => other(index, { start })} />
                <Field label={t`To`} name={`other-end-${index}`} type="time" required value={one.end ?? ""} onChange={(end) => other(index, { end })} />
              </>
            )}
            <Button look="plain" onPress={() => setExceptions(exceptions.filter((_, at) => at !== index))}><Trans>Remove</Trans></Button>
          </div>
        ))}
        <div><Button look="second" onPress={() => setExceptions([...exceptions, { date: dateKey(new Date(Date.now() + 86_400_000), zone), closed: true }])}><Trans>Add a day</Trans></Button></div>
      </fieldset>
      <fieldset className="hours">
        <legend className="sr-only"><Trans>Slots</Trans></legend>
        <Field label={t`Minutes for each patient`} name="slot_minutes" type="number" inputMode="numeric" required initial={String(hours.slot_minutes || 20)} />
        <Field label={t`Minutes between two`} name="buffer_minutes" type="number" inputMode="numeric" required initial={String(hours.buffer_minutes ?? 0)} />
        <Field label={t`Minutes of notice`} name="lead_time_minutes" type="number" inputMode="numeric" required initial={String(hours.lead_time_minutes ?? 0)} />
      </fieldset>
      <Trouble error={save.error} />
      {saved && <Notice tone="good" live><p><Trans>Saved</Trans></p></Notice>}
      <div><Button type="submit" isPending={save.isPending}><Trans>Save</Trans></Button></div>
    </Form>
  );
}

/** The first day of the week without hours. */
function free(weekly: Hours["weekly"]): string {
  return DAYS.find((name) => !weekly.some((one) => one.day === name)) ?? "monday";
}

/** What patients are offered in the next seven days. */
function Preview({ id, zone }: { id: string; zone: string }) {
  const [from] = useState(() => new Date().toISOString());
  const query = useQuery(slots(id, from, 7));
  return (
    <aside className="card">
      <h2><Trans>What patients can book</Trans></h2>
      <Loaded query={query}>
        {({ items }) => {
          const days = [...new Set(items.map(({ starts_at }) => dateKey(starts_at, zone)))];
          if (days.length === 0) return <p className="quiet"><Trans>Nothing in the next seven days</Trans></p>;
          return (
            <dl className="stack tight">
              {days.map((key) => {
                const of = items.filter(({ starts_at }) => dateKey(starts_at, zone) === key);
                const [first, last] = [of[0], of.at(-1)];
                if (!first || !last) return null;
                return (
                  <div key={key}>
                    <dt><strong>{day(first.starts_at, zone)}</strong></dt>
                    <dd className="quiet"><Trans>{of.length} times, {clock(first.starts_at, zone)} to {clock(last.ends_at, zone)}</Trans></dd>
                  </div>
                );
              })}
            </dl>
          );
        }}
      </Loaded>
    </aside>
  );
}
