// One's own account: names, time zone, and what the doctor should know, or what patients read about the doctor.

import { answer, type components, versioned } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, session, useUser } from "../lib/api.ts";
import { me } from "../lib/queries.ts";
import { relative } from "../lib/time.ts";
import { languageName, SPECIALTIES, specialty } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Field, Loaded, Notice, Page, Select, Trouble } from "../ui/parts.tsx";
import { Told } from "../ui/told.tsx";

type Me = components["schemas"]["Me"];

export function Profile() {
  const { t } = useLingui();
  const role = useUser()?.role;
  return (
    <Page title={t`Profile`} width="narrow">
      <Loaded query={useQuery(me())}>
        {(account) => (
          <>
            <Account account={account} />
            {role === "patient" && <Medical account={account} />}
            {role === "doctor" && account.doctor_id && <Public id={account.doctor_id} />}
          </>
        )}
      </Loaded>
      <Told />
      <Devices />
    </Page>
  );
}

const zones = () => Intl.supportedValuesOf("timeZone");

function Saved({ when }: { when: boolean }) {
  return when ? <Notice tone="good" live><p><Trans>Saved</Trans></p></Notice> : null;
}

function Account({ account }: { account: Me }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const save = useForm(async ({ given_name = "", family_name = "", time_zone = "" }) => {
    const changed = await answer(api.PATCH("/api/v1/me", { body: { given_name, family_name, time_zone } }));
    client.setQueryData(me().queryKey, changed);
    await session.renew(); // the page knows the time zone from there
    setSaved(true);
  });
  const all = [...new Set([account.time_zone, ...zones()])];
  return (
    <section className="card">
      <h2><Trans>You</Trans></h2>
      <Form {...save.form}>
        <Field label={t`First name`} name="given_name" initial={account.given_name} required maxLength={100} autoComplete="given-name" />
        <Field label={t`Last name`} name="family_name" initial={account.family_name} required maxLength={100} autoComplete="family-name" />
        <Select label={t`Time zone`} name="time_zone" initial={account.time_zone} options={all.map((zone) => [zone, zone.replaceAll("_", " ")] as const)} />
        <p className="quiet">{account.email}</p>
        <Trouble error={save.error} />
        <Saved when={saved} />
        <div><Button type="submit" isPending={save.isPending}><Trans>Save</Trans></Button></div>
      </Form>
    </section>
  );
}

const words = (text: string | undefined) => (text ?? "").split(",").map((word) => word.trim()).filter(Boolean);
const orNull = (text: string | undefined) => (text?.trim() ? text.trim() : null);

function Medical({ account }: { account: Me }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [saved, setSaved] = useState(false);
  const patient = account.patient;
  const contact = patient?.emergency_contact;
  const save = useForm(async (values) => {
    const { name = "", relationship = "", contact_phone = "" } = values;
    const emergency_contact = name.trim() ? { name: name.trim(), relationship: relationship.trim(), phone: contact_phone.trim() } : null;
    const body = {
      patient: {
        birth_date: orNull(values.birth_date), gender: orNull(values.gender), phone: orNull(values.phone), address: orNull(values.address),
        blood_type: orNull(values.blood_type), allergies: words(values.allergies), conditions: words(values.conditions), emergency_contact,
      },
    };
    client.setQueryData(me().queryKey, await answer(api.PATCH("/api/v1/me", { body: body as never })));
    setSaved(true);
  });
  return (
    <section className="card">
      <h2><Trans>What your doctor should know</Trans></h2>
      <p className="quiet"><Trans>Only doctors who treat you, and the nurses beside them, read this.</Trans></p>
      <Form {...save.form}>
        <Field label={t`Date of birth`} name="birth_date" type="date" initial={patient?.birth_date ?? ""} autoComplete="bday" />
        <Select label={t`Gender`} name="gender" initial={patient?.gender ?? ""}
          options={[["", t`Not said`], ["female", t`Female`], ["male", t`Male`], ["other", t`Other`]]} />
        <Select label={t`Blood type`} name="blood_type" initial={patient?.blood_type ?? ""}
          options={[["", t`Not known`], ...["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"].map((type) => [type, type] as const)]} />
        <Field label={t`Allergies`} name="allergies" initial={patient?.allergies.join(", ")} hint={t`With commas between them`} />
        <Field label={t`Illnesses you live with`} name="conditions" initial={patient?.conditions.join(", ")} hint={t`With commas between them`} />
        <Field label={t`Phone`} name="phone" type="tel" initial={patient?.phone ?? ""} autoComplete="tel" hint={t`With the country's code, such as +880`} />
        <Field label={t`Address`} name="address" rows={2} initial={patient?.address ?? ""} autoComplete="street-address" />
        <fieldset>
          <legend><Trans>In an emergency we call</Trans></legend>
          <Field label={t`Name`} name="name" initial={contact?.name ?? ""} />
          <Field label={t`Who this is to you`} name="relationship" initial={contact?.relationship ?? ""} />
          <Field label={t`Their phone`} name="contact_phone" type="tel" initial={contact?.phone ?? ""} />
        </fieldset>
        <Trouble error={save.error} />
        <Saved when={saved} />
        <div><Button type="submit" isPending={save.isPending}><Trans>Save</Trans></Button></div>
      </Form>
    </section>
  );
}

function Public({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ["own-doctor", id],
    queryFn: () => versioned(api.GET("/api/v1/doctors/{id}", { params: { path: { id } } })),
    refetchOnWindowFocus: false,
  });
  return <Loaded query={query}>{({ value, version }) => <PublicForm key={version} id={id} doctor={value} version={version} />}</Loaded>;
}

function PublicForm({ id, doctor, version }: { id: string; doctor: components["schemas"]["Doctor"]; version: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const save = useForm(async (values) => {
    const { display_name = "", currency = "", fee = "" } = values;
    const amount = Number(fee);
    const body = {
      display_name, specialty: orNull(values.specialty), languages: words(values.languages), qualifications: words(values.qualifications),
      years_of_experience: values.years ? Number(values.years) : null, licence_number: orNull(values.licence_number),
      consultation_fee: fee && currency ? { amount_minor: Math.round(amount * 100), currency: currency.toUpperCase() } : null,
    };
    const params = { path: { id }, header: { "If-Match": version } };
    await answer(api.PATCH("/api/v1/doctors/{id}", { params, body } as never));
    await client.invalidateQueries({ queryKey: ["own-doctor", id] });
    await client.invalidateQueries({ queryKey: ["doctor", id] });
  });
  const fee = doctor.consultation_fee;
  const spoken = doctor.languages.map(languageName).join(", ");
  return (
    <section className="card">
      <h2><Trans>What patients read</Trans></h2>
      {!doctor.verified && <Notice tone="warn"><p><Trans>An administrator has not verified you yet: patients do not find you.</Trans> {doctor.verification_reason}</p></Notice>}
      <div><Link to={"/verification" as "/"} className="button second"><Trans>Documents of your verification</Trans></Link></div>
      <Form {...save.form}>
        <Field label={t`Name as shown`} name="display_name" initial={doctor.display_name} required maxLength={100} />
        <Select label={t`Specialty`} name="specialty" initial={doctor.specialty ?? ""} options={[["", t`Not said`], ...SPECIALTIES.map((code) => [code, specialty(code)] as const)]} />
        <Field label={t`Languages`} name="languages" initial={doctor.languages.join(", ")} hint={t`Codes with commas between them, such as en, bn. Now: ${spoken}`} />
        <Field label={t`Qualifications`} name="qualifications" initial={doctor.qualifications.join(", ")} hint={t`With commas between them`} />
        <Field label={t`Years of experience`} name="years" type="number" inputMode="numeric" initial={doctor.years_of_experience?.toString() ?? ""} />
        <Field label={t`Licence number`} name="licence_number" initial={doctor.licence_number ?? ""} />
        <div className="hours">
          <Field label={t`Fee`} name="fee" type="number" inputMode="decimal" initial={fee ? String(fee.amount_minor / 100) : ""} />
          <Field label={t`Currency`} name="currency" initial={fee?.currency ?? ""} maxLength={3} />
        </div>
        <Trouble error={save.error} />
        <div><Button type="submit" isPending={save.isPending}><Trans>Save</Trans></Button></div>
      </Form>
    </section>
  );
}

/** Where one is logged in, and the way out everywhere. */
function Devices() {
  const query = useQuery({ queryKey: ["sessions"], queryFn: () => answer(api.GET("/api/v1/me/sessions")) });
  return (
    <section className="card">
      <h2><Trans>Where you are signed in</Trans></h2>
      <Loaded query={query}>
        {({ items }) => (
          <ul className="stack tight">
            {items.map((one) => (
              <li key={one.id}>{one.device ?? <Trans>Unknown device</Trans>} {one.current ? <strong><Trans>this one</Trans></strong> : <span className="quiet">{relative(one.refreshed_at)}</span>}</li>
            ))}
          </ul>
        )}
      </Loaded>
      <div><Button look="second" onPress={() => void session.logout({ all: true })}><Trans>Sign out everywhere</Trans></Button></div>
    </section>
  );
}
