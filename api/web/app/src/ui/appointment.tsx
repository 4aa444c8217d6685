// An appointment as one card, and what can be said of it without asking anybody.

import { useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useUser } from "../lib/api.ts";
import { doctor, patient } from "../lib/queries.ts";
import { moment, ownZone, relative, useNow } from "../lib/time.ts";
import type { Appointment } from "../lib/types.ts";
import { status, visit } from "../lib/words.ts";
import { Badge, Face, type Tone } from "./parts.tsx";

const TONES: Record<string, Tone> = { pending: "warn", accepted: "good", rejected: "bad", no_show: "bad" };

export function StatusBadge({ code }: { code: string }) {
  return <Badge tone={TONES[code] ?? ""}>{status(code)}</Badge>;
}

/** Whether it is still to come or going on. */
export function isAhead({ status, ends_at }: Appointment, now = Date.now()): boolean {
  return (status === "pending" || status === "accepted") && new Date(ends_at).getTime() > now;
}

/** The other side's name, as far as the reader may know it. */
export function useOther(appointment: Appointment | undefined): string {
  const { t } = useLingui();
  const forPatient = useUser()?.role === "patient";
  const theDoctor = useQuery({ ...doctor(appointment?.doctor_id ?? ""), enabled: Boolean(appointment) && forPatient });
  const thePatient = usePatientName(forPatient ? "" : (appointment?.patient_id ?? ""));
  return forPatient ? (theDoctor.data?.display_name ?? t`Doctor`) : thePatient;
}

/** A patient's name, for whoever may know it. */
export function usePatientName(id: string): string {
  const { t } = useLingui();
  const { data } = useQuery({ ...patient(id), enabled: id !== "" });
  return data ? `${data.given_name} ${data.family_name}` : t`Patient`;
}

export function AppointmentCard({ appointment }: { appointment: Appointment }) {
  const now = useNow();
  const other = useOther(appointment);
  const soon = isAhead(appointment, now);
  return (
    <Link to={`/appointments/${appointment.id}` as "/appointments"} className="card">
      <div className="between">
        <div className="person">
          <Face name={other} />
          <div>
            <strong>{other}</strong>
            <p>{moment(appointment.starts_at, ownZone())}</p>
            <p className="quiet">{visit(appointment.visit_type)}{soon ? ` · ${relative(appointment.starts_at, now)}` : ""}</p>
          </div>
        </div>
        <StatusBadge code={appointment.status} />
      </div>
    </Link>
  );
}
