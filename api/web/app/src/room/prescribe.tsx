// The prescription editor. Warns where a medicine looks like something the patient does not bear.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../lib/api.ts";
import type { Medicine } from "../lib/types.ts";
import { Form, useForm, type Values } from "../ui/form.tsx";
import { Button, Field, Notice, Select, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";
import { Keep, Templates } from "./templates.tsx";

/** A medicine that is being written. */
interface Row {
  key: number;
  /** What a template put there. */
  from?: Medicine;
}

export function Prescribe({ consultationId: id, running }: { consultationId: string; running: boolean }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [rows, setRows] = useState<readonly Row[]>([{ key: 0 }]);
  const [names, setNames] = useState<Record<number, string>>({});
  const [round, setRound] = useState(0);
  const [kept, setKept] = useState<readonly Medicine[] | null>(null);
  const [unfinished, setUnfinished] = useState(false);
  const { data: allergies = [] } = useQuery({
    queryKey: ["allergies", id],
    queryFn: async () => (await answer(api.GET("/api/v1/consultations/{id}/summary", { params: { path: { id } } }))).patient.allergies,
    staleTime: 60_000,
  });
  const issue = useForm(async (values) => {
    const { diagnosis = "", advice = "", follow_up_on = "" } = values;
    const body = {
      diagnosis, medicines: rows.map((row) => medicine(values, row)),
      ...(advice ? { advice } : {}), ...(follow_up_on ? { follow_up_on } : {}),
    };
    await answer(api.POST("/api/v1/consultations/{id}/prescriptions", { params: { path: { id } }, body }));
    await client.invalidateQueries({ queryKey: ["prescriptions", id] });
    setRows([{ key: 0 }]);
    setNames({});
    setRound(round + 1);
  });
  const next = Math.max(...rows.map(({ key }) => key)) + 1;
  const apply = (medicines: readonly Medicine[]) => {
    const added = medicines.map((from, index) => ({ key: next + index, from }));
    setRows([...rows.filter(({ key }) => names[key]?.trim()), ...added]); // what is empty gives way
    setNames((all) => ({ ...all, ...Object.fromEntries(added.map(({ key, from }) => [key, from.name])) }));
  };
  const keep = (form: HTMLFormElement | null) => {
    const values = Object.fromEntries([...new FormData(form ?? undefined)].map(([name, value]) => [name, String(value)]));
    const medicines = rows.map((row) => medicine(values, row));
    const whole = medicines.every(({ name, dose, frequency, duration_days }) => name && dose && frequency && duration_days > 0);
    setUnfinished(!whole);
    if (whole) setKept(medicines);
  };
  const warned = rows.flatMap(({ key }) => allergies.filter((allergy) => alike(names[key] ?? "", allergy)));
  if (!running) return <Notice><p><Trans>You can prescribe once the consultation has begun.</Trans></p></Notice>;
  return (
    <div className="stack">
      <Prescriptions consultationId={id} />
      <Templates onApply={apply} />
      <section className="card">
        <h2><Trans>New prescription</Trans></h2>
        <Form key={round} {...issue.form}>
          <Field label={t`Diagnosis`} name="diagnosis" required maxLength={500} />
          {rows.map(({ key, from }, index) => (
            <fieldset key={key}>
              <legend><Trans>Medicine {index + 1}</Trans></legend>
              <div className="medicine">
                <Field label={t`Name`} name={`name-${key}`} required maxLength={200} initial={from?.name} onChange={(name) => setNames((all) => ({ ...all, [key]: name }))} />
                <Field label={t`Dose`} name={`dose-${key}`} required maxLength={100} initial={from?.dose} />
                <Field label={t`How often`} name={`frequency-${key}`} required maxLength={100} initial={from?.frequency} />
                <Field label={t`Days`} name={`days-${key}`} type="number" inputMode="numeric" required initial={String(from?.duration_days ?? 7)} />
                <Route row={key} initial={from?.route ?? "oral"} />
                <Field label={t`Instructions`} name={`instructions-${key}`} maxLength={1000} initial={from?.instructions ?? ""} />
                {rows.length > 1 && <Button look="plain" onPress={() => setRows(rows.filter((one) => one.key !== key))}><Trans>Remove</Trans></Button>}
              </div>
            </fieldset>
          ))}
          <div className="row">
            <Button look="second" onPress={() => setRows([...rows, { key: next }])}><Trans>Another medicine</Trans></Button>
            <Button look="plain" onPress={({ target }) => keep(target.closest("form"))}><Trans>Keep as a template</Trans></Button>
          </div>
          {unfinished && <Notice tone="bad"><p><Trans>Fill in all medicines first.</Trans></p></Notice>}
          {warned.length > 0 && <Notice tone="bad"><p><strong><Trans>The patient is allergic to: {[...new Set(warned)].join(", ")}</Trans></strong></p></Notice>}
          <Field label={t`Advice`} name="advice" rows={2} maxLength={2000} />
          <Field label={t`See again on`} name="follow_up_on" type="date" />
          <Trouble error={issue.error} />
          <Button type="submit" isPending={issue.isPending}><Trans>Sign and issue</Trans></Button>
        </Form>
      </section>
      <Keep medicines={kept} onClose={() => setKept(null)} />
    </div>
  );
}

function Route({ row, initial }: { row: number; initial: string }) {
  const { t } = useLingui();
  const known = [["oral", t`By mouth`], ["topical", t`On the skin`], ["inhaled", t`Inhaled`], ["ophthalmic", t`In the eye`], ["injection", t`Injection`]] as const;
  const other = known.some(([code]) => code === initial) ? [] : [[initial, initial] as const];
  return <Select label={t`How to take`} name={`route-${row}`} initial={initial} options={[...known, ...other]} />;
}

/** As it was entered: nothing of a template is prescribed that the doctor does not see. */
function medicine(values: Values, { key }: Row): Medicine {
  const of = (field: string) => values[`${field}-${key}`]?.trim() ?? "";
  const instructions = of("instructions");
  return {
    name: of("name"), dose: of("dose"), route: of("route"), frequency: of("frequency"), duration_days: Number(of("days")),
    ...(instructions && { instructions }),
  };
}

/** Only names are compared: this does not replace a check of ingredients. */
function alike(name: string, allergy: string): boolean {
  const [one, other] = [name.trim().toLocaleLowerCase(), allergy.trim().toLocaleLowerCase()];
  return one.length > 3 && other.length > 3 && (one.includes(other) || other.includes(one) || one.slice(0, 5) === other.slice(0, 5));
}
