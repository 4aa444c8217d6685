// The prescription editor. Warns where a medicine looks like something the patient does not bear.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../lib/api.ts";
import { Form, useForm, type Values } from "../ui/form.tsx";
import { Button, Field, Notice, Select, Trouble } from "../ui/parts.tsx";
import { Prescriptions } from "../ui/prescriptions.tsx";

export function Prescribe({ consultationId: id, running }: { consultationId: string; running: boolean }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [rows, setRows] = useState([0]);
  const [names, setNames] = useState<Record<number, string>>({});
  const [round, setRound] = useState(0);
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
    setRows([0]);
    setNames({});
    setRound(round + 1);
  });
  const warned = rows.flatMap((row) => allergies.filter((allergy) => alike(names[row] ?? "", allergy)));
  if (!running) return <Notice><p><Trans>You can prescribe once the consultation has begun.</Trans></p></Notice>;
  return (
    <div className="stack">
      <Prescriptions consultationId={id} />
      <section className="card">
        <h2><Trans>New prescription</Trans></h2>
        <Form key={round} {...issue.form}>
          <Field label={t`Diagnosis`} name="diagnosis" required maxLength={500} />
          {rows.map((row, index) => (
            <fieldset key={row}>
              <legend><Trans>Medicine {index + 1}</Trans></legend>
              <div className="medicine">
                <Field label={t`Name`} name={`name-${row}`} required maxLength={200} onChange={(name) => setNames((all) => ({ ...all, [row]: name }))} />
                <Field label={t`Dose`} name={`dose-${row}`} required maxLength={100} />
                <Field label={t`How often`} name={`frequency-${row}`} required maxLength={100} />
                <Field label={t`Days`} name={`days-${row}`} type="number" inputMode="numeric" required initial="7" />
                <Select label={t`How to take`} name={`route-${row}`} initial="oral"
                  options={[["oral", t`By mouth`], ["topical", t`On the skin`], ["inhaled", t`Inhaled`], ["ophthalmic", t`In the eye`], ["injection", t`Injection`]]} />
                {rows.length > 1 && <Button look="plain" onPress={() => setRows(rows.filter((one) => one !== row))}><Trans>Remove</Trans></Button>}
              </div>
            </fieldset>
          ))}
          <div><Button look="second" onPress={() => setRows([...rows, Math.max(...rows) + 1])}><Trans>Another medicine</Trans></Button></div>
          {warned.length > 0 && <Notice tone="bad"><p><strong><Trans>The patient is allergic to: {[...new Set(warned)].join(", ")}</Trans></strong></p></Notice>}
          <Field label={t`Advice`} name="advice" rows={2} maxLength={2000} />
          <Field label={t`See again on`} name="follow_up_on" type="date" />
          <Trouble error={issue.error} />
          <Button type="submit" isPending={issue.isPending}><Trans>Sign and issue</Trans></Button>
        </Form>
      </section>
    </div>
  );
}

function medicine(values: Values, row: number) {
  const of = (field: string) => values[`${field}-${row}`] ?? "";
  return { name: of("name"), dose: of("dose"), route: of("route"), frequency: of("frequency"), duration_days: Number(of("days")) };
}

/** Only names are compared: this does not replace a check of ingredients. */
function alike(name: string, allergy: string): boolean {
  const [one, other] = [name.trim().toLocaleLowerCase(), allergy.trim().toLocaleLowerCase()];
  return one.length > 3 && other.length > 3 && (one.includes(other) || other.includes(one) || one.slice(0, 5) === other.slice(0, 5));
}
