// The directory: doctors by specialty, language and day, with their next free time.

import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { type DoctorFilter, doctors, slots } from "../lib/queries.ts";
import { dateKey, moment, ownZone } from "../lib/time.ts";
import type { Doctor } from "../lib/types.ts";
import { languageName, money, SPECIALTIES, specialty } from "../lib/words.ts";
import { Empty, Face, Field, Loaded, Page, Select } from "../ui/parts.tsx";

const SPOKEN = ["en", "bn", "ar", "de", "es", "fr", "hi", "pt", "ur"];

export function Doctors() {
  const { t } = useLingui();
  const filter = useSearch({ strict: false }) as DoctorFilter;
  const navigate = useNavigate();
  const set = (change: DoctorFilter) =>
    void navigate({ to: "/doctors", search: Object.fromEntries(Object.entries({ ...filter, ...change }).filter(([, value]) => value)), replace: true });
  const query = useQuery({ ...doctors(filter), placeholderData: (before) => before });
  const today = dateKey(new Date());
  const tomorrow = dateKey(new Date(Date.now() + 86_400_000));
  const days = [["", t`Any day`], [today, t`Today`], [tomorrow, t`Tomorrow`]] as const;
  return (
    <Page title={t`Find a doctor`}>
      <search className="card">
        <div className="filters">
          <Name initial={filter.q ?? ""} onChange={(q) => set({ q })} />
          <Select label={t`Specialty`} value={filter.specialty ?? ""} onChange={(value) => set({ specialty: value })}
            options={[["", t`All`], ...SPECIALTIES.map((code) => [code, specialty(code)] as const)]} />
          <Select label={t`Speaks`} value={filter.language ?? ""} onChange={(value) => set({ language: value })}
            options={[["", t`Any language`], ...SPOKEN.map((tag) => [tag, languageName(tag)] as const)]} />
          <Select label={t`Has time`} value={filter.available_on ?? ""} onChange={(value) => set({ available_on: value })} options={days} />
        </div>
      </search>
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? (
          <Empty><p><Trans>No doctor fits. Try fewer filters.</Trans></p></Empty>
        ) : (
          <ul className="stack" aria-label={t`Doctors`}>{items.map((one) => <li key={one.id}><DoctorCard doctor={one} /></li>)}</ul>
        )}
      </Loaded>
    </Page>
  );
}

/** Asks once somebody has stopped typing. */
function Name({ initial, onChange }: { initial: string; onChange: (name: string) => void }) {
  const { t } = useLingui();
  const [timer, setTimer] = useState<ReturnType<typeof setTimeout>>();
  const changed = (name: string) => {
    clearTimeout(timer);
    setTimer(setTimeout(() => onChange(name.trim()), 350));
  };
  return <Field label={t`Name`} name="q" type="search" initial={initial} onChange={changed} autoComplete="off" />;
}

function DoctorCard({ doctor }: { doctor: Doctor }) {
  return (
    <Link to={`/doctors/${doctor.id}` as "/doctors"} className="card">
      <div className="person">
        <Face name={doctor.display_name} />
        <div className="stack tight">
          <strong>{doctor.display_name}</strong>
          <About doctor={doctor} />
          <NextFree id={doctor.id} />
        </div>
      </div>
    </Link>
  );
}

/** Specialty, languages, experience, rating and fee in one or two lines. */
export function About({ doctor }: { doctor: Doctor }) {
  const { t } = useLingui();
  const years = doctor.years_of_experience;
  const stars = doctor.rating.average?.toFixed(1);
  const count = doctor.rating.count;
  const about = [
    doctor.specialty && specialty(doctor.specialty),
    years ? t`${years} years of experience` : null,
    stars ? t`${stars} of 5 (${count})` : null,
  ];
  const spoken = doctor.languages.map(languageName).join(", ");
  return (
    <>
      <p>{about.filter(Boolean).join(" · ")}</p>
      <p className="quiet">{[spoken, doctor.consultation_fee && money(doctor.consultation_fee)].filter(Boolean).join(" · ")}</p>
    </>
  );
}

/** From the start of this hour, so that the answer can be kept for a while. */
const hour = () => new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();

function NextFree({ id }: { id: string }) {
  const { data } = useQuery({ ...slots(id, hour(), 14), staleTime: 60_000 });
  const next = data?.items.find(({ starts_at }) => new Date(starts_at).getTime() > Date.now());
  if (!data) return <p className="quiet"><Trans>Looking for free times …</Trans></p>;
  if (!next) return <p className="quiet"><Trans>No free time in the next two weeks</Trans></p>;
  const when = moment(next.starts_at, ownZone());
  return <p><Trans>Next free: {when}</Trans></p>;
}
