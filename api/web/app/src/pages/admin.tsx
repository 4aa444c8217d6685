// For administrators: verifying doctors, how the system is, what could not be delivered.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../lib/api.ts";
import { credentials } from "../lib/queries.ts";
import { moment } from "../lib/time.ts";
import type { Doctor } from "../lib/types.ts";
import { credential as kindWords, specialty, verification as verificationWords } from "../lib/words.ts";
import { FileView } from "../ui/files.tsx";
import { Badge, Button, Empty, Field, Loaded, Notice, Page, Select, type Tone, Trouble, Wide } from "../ui/parts.tsx";

// --- doctors ----------------------------------------------------------------------------------------------------

export function VerifyDoctors() {
  const { t } = useLingui();
  const [verification, setVerification] = useState("pending");
  const [q, setQ] = useState("");
  const query = useQuery({
    queryKey: ["candidates", verification, q],
    queryFn: () => answer(api.GET("/api/v1/admin/doctors", { params: { query: { verification, limit: 50, ...(q && { q }) } as never } })),
    placeholderData: (before) => before,
  });
  return (
    <Page title={t`Verify doctors`} width="narrow" lead={t`Look at the licence before you approve: patients find whoever is approved.`}>
      <div className="filters">
        <Select label={t`Show`} value={verification} onChange={setVerification} options={[["pending", t`To be verified`], ["approved", t`Approved`], ["rejected", t`Rejected`]]} />
        <Field label={t`Name`} name="q" value={q} onChange={setQ} maxLength={100} autoComplete="off" />
      </div>
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>None.</Trans></p></Empty>
          : <ul className="stack">{items.map((one) => <li key={one.id}><Candidate doctor={one} /></li>)}</ul>}
      </Loaded>
    </Page>
  );
}

function Candidate({ doctor }: { doctor: Doctor }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const { id } = doctor;
  const [reason, setReason] = useState("");
  const decide = useMutation({
    mutationFn: (decision: "approved" | "rejected") => answer(api.POST("/api/v1/admin/doctors/{id}/verify", {
      params: { path: { id } }, body: { decision, ...(reason.trim() ? { reason: reason.trim() } : {}) },
    })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["candidates"] }),
  });
  return (
    <article className="card">
      <div className="between"><h2>{doctor.display_name}</h2><Badge tone={doctor.verified ? "good" : doctor.verification === "rejected" ? "bad" : "warn"}>{verificationWords(doctor.verification)}</Badge></div>
      <dl className="facts">
        <dt><Trans>Licence number</Trans></dt><dd>{doctor.licence_number ?? "–"}</dd>
        <dt><Trans>Specialty</Trans></dt><dd>{doctor.specialty ? specialty(doctor.specialty) : "–"}</dd>
        <dt><Trans>Qualifications</Trans></dt><dd>{doctor.qualifications.join(", ") || "–"}</dd>
      </dl>
      <Evidence id={id} />
      <Field label={t`Reason (a rejection needs one)`} name="reason" rows={2} value={reason} onChange={setReason} maxLength={500} />
      <Trouble error={decide.error} />
      <div className="row">
        <Button onPress={() => decide.mutate("approved")} isPending={decide.isPending}><Trans>Approve</Trans></Button>
        <Button look="danger" onPress={() => decide.mutate("rejected")} isPending={decide.isPending}><Trans>Reject</Trans></Button>
      </div>
    </article>
  );
}

/** What the doctor shows; each look is written to the audit log, so that it takes a tap. */
function Evidence({ id }: { id: string }) {
  const [shown, setShown] = useState(false);
  const query = useQuery({ ...credentials(id), enabled: shown, staleTime: 0 });
  if (!shown) return <div><Button look="second" onPress={() => setShown(true)}><Trans>Documents</Trans></Button></div>;
  return (
    <section className="stack tight" aria-labelledby={`documents-${id}`}>
      <h3 id={`documents-${id}`}><Trans>Documents</Trans></h3>
      <Loaded query={query}>
        {({ items, required }) => items.length === 0
          ? <p className="quiet">{required ? <Trans>None was submitted; one is needed for an approval.</Trans> : <Trans>None was submitted.</Trans>}</p>
          : <ul className="stack tight">{items.map((one) => <li key={one.file.id} className="stack tight"><span className="row"><Badge>{kindWords(one.kind)}</Badge><span className="quiet">{moment(one.submitted_at)}</span></span><FileView file={one.file} /></li>)}</ul>}
      </Loaded>
    </section>
  );
}

// --- system -----------------------------------------------------------------------------------------------------

const health = (state: string): Tone => (["up", "running", "healthy", "ok", "closed"].includes(state) ? "good" : ["down", "quarantined", "open", "stopped"].includes(state) ? "bad" : "warn");

export function System() {
  const { t } = useLingui();
  const ready = useQuery({
    queryKey: ["ready"],
    queryFn: async () => (await (await fetch("/health/ready")).json()) as { status: string; components: Record<string, string> },
    refetchInterval: 15_000,
  });
  return (
    <Page title={t`System`}>
      <section className="stack">
        <h2><Trans>Readiness</Trans></h2>
        <Loaded query={ready}>
          {({ components }) => <div className="row">{Object.entries(components).map(([name, state]) => <Badge key={name} tone={health(state)}>{name}: {state}</Badge>)}</div>}
        </Loaded>
      </section>
      <Plugins />
      <Providers />
    </Page>
  );
}

function Plugins() {
  const { t } = useLingui();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["plugins"], queryFn: () => answer(api.GET("/api/v1/plugins")), refetchInterval: 15_000 });
  const resume = useMutation({
    mutationFn: (id: string) => answer(api.POST("/api/v1/plugins/{id}/resume", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["plugins"] }),
  });
  return (
    <section className="stack">
      <h2><Trans>Plugins</Trans></h2>
      <Trouble error={resume.error} />
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>None is loaded.</Trans></p></Empty> : (
          <Wide label={t`Plugins`}>
            <table>
              <thead><tr><th scope="col"><Trans>Name</Trans></th><th scope="col"><Trans>Version</Trans></th><th scope="col"><Trans>State</Trans></th><th scope="col"><Trans>Action</Trans></th></tr></thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{one.id}</th><td>{one.version ?? "–"}</td><td><Badge tone={health(one.state)}>{one.state}</Badge></td>
                    <td>{one.state === "quarantined" ? <Button look="second" onPress={() => resume.mutate(one.id)} isPending={resume.isPending}><Trans>Resume</Trans></Button> : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
        )}
      </Loaded>
    </section>
  );
}

function Providers() {
  const query = useQuery({ queryKey: ["video-providers"], queryFn: () => answer(api.GET("/api/v1/video-providers")), refetchInterval: 15_000 });
  return (
    <section className="stack">
      <h2><Trans>Video, in the order in which it is tried</Trans></h2>
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>No provider is set up.</Trans></p></Empty> : (
          <ol className="stack tight">
            {items.map((one) => <li key={one.id} className="row"><Badge tone={one.available ? "good" : "bad"}>{one.available ? <Trans>available</Trans> : (one.code ?? "")}</Badge> {one.id} <span className="quiet">{one.reason}</span></li>)}
          </ol>
        )}
      </Loaded>
    </section>
  );
}

// --- deliveries -------------------------------------------------------------------------------------------------

export function Deliveries() {
  const { t } = useLingui();
  const client = useQueryClient();
  const [status, setStatus] = useState("dead");
  const query = useQuery({
    queryKey: ["deliveries", status],
    queryFn: () => answer(api.GET("/api/v1/admin/notifications", { params: { query: { status, limit: 100 } as never } })),
  });
  const retry = useMutation({
    mutationFn: (id: string) => answer(api.POST("/api/v1/admin/notifications/{id}/retry", { params: { path: { id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["deliveries"] }),
  });
  return (
    <Page title={t`Deliveries`} lead={t`Mails and messages to people, without addresses or texts.`}>
      <Select label={t`Show`} value={status} onChange={setStatus} options={[["dead", t`Given up`], ["queued", t`Waiting`], ["sent", t`Sent`]]} />
      <Trouble error={retry.error} />
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Notice tone="good"><p><Trans>None.</Trans></p></Notice> : (
          <Wide label={t`Deliveries`}>
            <table>
              <thead><tr><th scope="col"><Trans>What</Trans></th><th scope="col"><Trans>How</Trans></th><th scope="col"><Trans>Tries</Trans></th><th scope="col"><Trans>When</Trans></th><th scope="col"><Trans>Action</Trans></th></tr></thead>
              <tbody>
                {items.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{one.kind.replaceAll("_", " ")}</th><td>{one.channel}</td><td>{one.attempts}</td><td>{moment(one.created_at)}</td>
                    <td>{one.status === "dead" ? <Button look="second" onPress={() => retry.mutate(one.id)}><Trans>Try again</Trans></Button> : "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
        )}
      </Loaded>
    </Page>
  );
}
