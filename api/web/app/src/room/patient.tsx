// What the doctor should know of the patient, at a glance.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { api } from "../lib/api.ts";
import { date } from "../lib/time.ts";
import { Badge, Loaded } from "../ui/parts.tsx";

export function Summary({ consultationId }: { consultationId: string }) {
  const { t } = useLingui();
  const query = useQuery({
    queryKey: ["summary", consultationId],
    queryFn: () => answer(api.GET("/api/v1/consultations/{id}/summary", { params: { path: { id: consultationId } } })),
    staleTime: 60_000,
  });
  return (
    <Loaded query={query}>
      {({ patient, appointment, past_consultations, running_prescriptions }) => {
        const about = [patient.age == null ? null : t`${patient.age} years`, patient.gender, patient.blood_type].filter(Boolean);
        return (
          <div className="card">
            <h2>{patient.given_name} {patient.family_name}</h2>
            {about.length > 0 && <p className="quiet">{about.join(" · ")}</p>}
            <div className="row">
              {patient.allergies.map((one) => <Badge key={one} tone="bad"><Trans>Allergy: {one}</Trans></Badge>)}
              {patient.allergies.length === 0 && <span className="quiet"><Trans>No allergies are known.</Trans></span>}
            </div>
            <dl className="facts">
              <dt><Trans>Comes for</Trans></dt><dd>{appointment.reason ?? "–"}</dd>
              {appointment.symptoms && <><dt><Trans>Symptoms</Trans></dt><dd>{appointment.symptoms}</dd></>}
              {patient.conditions.length > 0 && <><dt><Trans>Conditions</Trans></dt><dd>{patient.conditions.join(", ")}</dd></>}
            </dl>
            <h3><Trans>Takes now</Trans></h3>
            {running_prescriptions.length === 0 ? <p className="quiet"><Trans>Nothing that was prescribed here.</Trans></p> : (
              <ul className="stack tight">
                {running_prescriptions.flatMap((one) => one.medicines.map((medicine) => <li key={`${one.id}${medicine.name}`}>{medicine.name} {medicine.dose} · {medicine.frequency}</li>))}
              </ul>
            )}
            <h3><Trans>Was here before</Trans></h3>
            {past_consultations.length === 0 ? <p className="quiet"><Trans>This is the first time.</Trans></p> : (
              <ul className="stack tight">{past_consultations.map((one) => <li key={one.id}>{date(one.starts_at)}: {one.diagnoses.join(", ") || "–"}</li>)}</ul>
            )}
          </div>
        );
      }}
    </Loaded>
  );
}
