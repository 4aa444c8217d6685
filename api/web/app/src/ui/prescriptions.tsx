// The prescriptions of a consultation: what is in them, how far the pharmacy is, the PDF.

import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer } from "@consilium/client";
import { api, useUser } from "../lib/api.ts";
import { download } from "../lib/calendar.ts";
import { prescriptions } from "../lib/queries.ts";
import { date } from "../lib/time.ts";
import type { Medicine, Prescription } from "../lib/types.ts";
import { dispensing } from "../lib/words.ts";
import { Badge, Button, Empty, Trouble } from "./parts.tsx";

interface PrescriptionsProps {
  consultationId: string;
  /** Says so when there is none. */
  empty?: boolean;
}

export function Prescriptions({ consultationId, empty = false }: PrescriptionsProps) {
  const { data, error } = useQuery(prescriptions(consultationId));
  if (error) return <Trouble error={error} />;
  if (!data || data.items.length === 0) return empty ? <Empty><p><Trans>Nothing has been prescribed yet.</Trans></p></Empty> : null;
  return (
    <section className="stack">
      <h2><Trans>Prescriptions</Trans></h2>
      {data.items.map((one) => <PrescriptionCard key={one.id} prescription={one} />)}
    </section>
  );
}

export function PrescriptionCard({ prescription }: { prescription: Prescription }) {
  const issued = date(prescription.issued_at);
  const until = date(prescription.valid_until);
  return (
    <article className="card">
      <div className="between">
        <h3>{prescription.diagnosis}</h3>
        <Badge tone={prescription.status === "withdrawn" ? "bad" : ""}>{dispensing(prescription.status)}</Badge>
      </div>
      <ul className="stack tight">{prescription.medicines.map((one) => <MedicineLine key={one.name} medicine={one} />)}</ul>
      {prescription.advice && <p>{prescription.advice}</p>}
      <p className="quiet"><Trans>Issued {issued}, valid until {until}</Trans></p>
      <Actions prescription={prescription} />
    </article>
  );
}

function MedicineLine({ medicine: { name, dose, frequency, duration_days, instructions } }: { medicine: Medicine }) {
  const { t } = useLingui();
  const days = t`${duration_days} days`;
  return <li><strong>{name}</strong> {[dose, frequency, days, instructions].filter(Boolean).join(" · ")}</li>;
}

function Actions({ prescription: { id, status, consultation_id } }: { prescription: Prescription }) {
  const role = useUser()?.role;
  const own = role === "patient" || role === "doctor";
  const client = useQueryClient();
  const pdf = useMutation({
    mutationFn: () => answer(api.GET("/api/v1/prescriptions/{id}/pdf", { params: { path: { id } }, parseAs: "blob" })),
    onSuccess: (file) => download("prescription.pdf", file as unknown as Blob),
  });
  const send = useMutation({
    mutationFn: () => answer(api.POST("/api/v1/prescriptions/{id}/send", { params: { path: { id } }, body: {} })),
    onSettled: () => client.invalidateQueries({ queryKey: ["prescriptions", consultation_id] }),
  });
  return (
    <>
      <Trouble error={pdf.error ?? send.error} />
      <div className="row">
        <Button look="second" onPress={() => pdf.mutate()} isPending={pdf.isPending}><Trans>Open PDF</Trans></Button>
        {status === "issued" && own && <Button look="second" onPress={() => send.mutate()} isPending={send.isPending}><Trans>Send to the pharmacy</Trans></Button>}
      </div>
    </>
  );
}
