// Nurses see who waits for each doctor, pharmacists check prescriptions, support helps with technical trouble.

import { answer, type components, Problem } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { doctors } from "../lib/queries.ts";
import { date, moment, relative } from "../lib/time.ts";
import { dispensing, role as roleName } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Badge, Button, Empty, Field, Loaded, Notice, Page, Select, type Tone, Trouble, Wide } from "../ui/parts.tsx";
import { PrescriptionCard } from "../ui/prescriptions.tsx";
import { Line, WaitingRoom } from "./doctor.tsx";

// --- nurses -----------------------------------------------------------------------------------------------------

/** A doctor's own, or that of any doctor of the facility. */
export function WaitingRooms() {
  const { t } = useLingui();
  const own = useUser()?.role === "doctor";
  const [chosen, setChosen] = useState("");
  const query = useQuery({ ...doctors({}), enabled: !own });
  if (own) return <WaitingRoom />;
  return (
    <Page title={t`Waiting room`}>
      <Loaded query={query}>
        {({ items }) => {
          const id = chosen || (items[0]?.id ?? "");
          if (!id) return <Empty><p><Trans>There is no doctor yet.</Trans></p></Empty>;
          return (
            <>
              <Select label={t`Doctor`} value={id} onChange={setChosen} options={items.map((one) => [one.id, one.display_name] as const)} />
              <Line key={id} id={id} />
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

// --- pharmacists ------------------------------------------------------------------------------------------------

type Verified = Partial<components["schemas"]["PrescriptionVerification"]>;

export function Dispense() {
  const { t } = useLingui();
  const [found, setFound] = useState<Verified | null>(null);
  const check = useForm(async ({ code = "" }) => {
    setFound(null);
    const known = answer(api.GET("/api/v1/verify/{code}", { params: { path: { code: code.trim() } } }));
    setFound(await known.catch((error) => {
      if (error instanceof Problem && error.status === 404) return { genuine: false }; // a code of nobody's
      throw error;
    }));
  });
  const issued = found?.issued_at ? date(found.issued_at) : "";
  return (
    <Page title={t`Prescriptions`} width="narrow">
      <h2><Trans>Check a prescription</Trans></h2>
      <p className="quiet"><Trans>The code is below the square on the paper.</Trans></p>
      <Form {...check.form}>
        <Field label={t`Code`} name="code" required maxLength={64} autoComplete="off" />
        <Trouble error={check.error} />
        <div><Button type="submit" isPending={check.isPending}><Trans>Check</Trans></Button></div>
      </Form>
      {found && (
        <Notice tone={found.genuine && !found.withdrawn ? "good" : "bad"} live>
          {!found.genuine ? <p><strong><Trans>This is not a prescription of ours. Do not dispense.</Trans></strong></p>
            : found.withdrawn ? <p><strong><Trans>This prescription was withdrawn. Do not dispense.</Trans></strong></p>
            : <p><strong><Trans>Genuine: issued by {found.doctor ?? ""} on {issued}.</Trans></strong></p>}
        </Notice>
      )}
      <ToDispense />
    </Page>
  );
}

const OPEN = "";

/** What was sent to be dispensed here, the longest waiting first. */
function ToDispense() {
  const { t } = useLingui();
  const [status, setStatus] = useState(OPEN);
  const query = useQuery({
    queryKey: ["to-dispense", status],
    queryFn: () => answer(api.GET("/api/v1/prescriptions", { params: { query: { limit: 50, ...(status && { status }) } as never } })),
    refetchInterval: 60_000,
  });
  const states = ["queued", "sent", "accepted", "preparing", "ready", "dispensed", "rejected", "cancelled", "failed"];
  return (
    <section className="stack">
      <h2><Trans>To be dispensed</Trans></h2>
      <Select label={t`Show`} value={status} onChange={setStatus} options={[[OPEN, t`What is open`] as const, ...states.map((code) => [code, dispensing(code)] as const)]} />
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>None.</Trans></p></Empty>
          : <ul className="stack">{items.map((one) => <li key={one.id}><PrescriptionCard prescription={one} /></li>)}</ul>}
      </Loaded>
    </section>
  );
}

// --- support ----------------------------------------------------------------------------------------------------

type Issue = components["schemas"]["Issue"];
type Entry = components["schemas"]["IssueEntry"];
const SEVERITY: Record<string, Tone> = { high: "bad", medium: "warn" };

export function Issues() {
  const { t } = useLingui();
  const [status, setStatus] = useState("");
  const query = useQuery({
    queryKey: ["issues", status],
    queryFn: () => answer(api.GET("/api/v1/support/issues", { params: { query: { ...(status && { status }), limit: 50 } as never } })),
    refetchInterval: 30_000,
  });
  return (
    <Page title={t`Technical issues`}>
      <Select label={t`Show`} value={status} onChange={setStatus}
        options={[["", t`All`], ["open", t`Open`], ["assigned", t`Assigned`], ["resolved", t`Resolved`]]} />
      <Loaded query={query}>
        {({ items }) => items.length === 0 ? <Empty><p><Trans>Nothing is reported.</Trans></p></Empty> : (
          <ul className="stack">
            {(items as unknown as Issue[]).map((one) => (
              <li key={one.id}>
                <Link to={`/issues/${one.id}` as "/"} className="card">
                  <div className="between"><strong>{one.category.replaceAll("_", " ")}</strong><span className="row"><Badge tone={SEVERITY[one.severity] ?? ""}>{one.severity}</Badge><Badge>{one.status}</Badge></span></div>
                  <p>{one.description}</p>
                  <p className="quiet">{roleName(one.reporter_role)} · {relative(one.reported_at)}</p>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Page>
  );
}

export function IssuePage() {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useQuery({ queryKey: ["issue", id], queryFn: () => answer(api.GET("/api/v1/support/issues/{id}", { params: { path: { id } } })) });
  return (
    <Page title={t`Technical issue`} before={<p><Link to={"/issues" as "/"}><Trans>All issues</Trans></Link></p>}>
      <Loaded query={query}>{(issue) => <IssueDetails issue={issue} />}</Loaded>
    </Page>
  );
}

function IssueDetails({ issue }: { issue: Issue }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const { id } = issue;
  const timeline = useQuery({
    queryKey: ["issue", id, "timeline"],
    queryFn: () => answer(api.GET("/api/v1/support/issues/{id}/timeline", { params: { path: { id } } })),
  });
  const again = () => client.invalidateQueries({ queryKey: ["issue", id] });
  const assign = useMutation({ mutationFn: () => answer(api.POST("/api/v1/support/issues/{id}/assign", { params: { path: { id } }, body: {} })), onSettled: again });
  const comment = useForm(async ({ text = "" }) => {
    await answer(api.POST("/api/v1/support/issues/{id}/comments", { params: { path: { id } }, body: { text } }));
    await again();
  });
  const resolve = useForm(async ({ resolution = "" }) => {
    await answer(api.POST("/api/v1/support/issues/{id}/resolve", { params: { path: { id } }, body: { resolution } }));
    await again();
  });
  const open = issue.status !== "resolved";
  return (
    <div className="main-side">
      <div className="stack">
        <div className="row"><Badge tone={SEVERITY[issue.severity] ?? ""}>{issue.severity}</Badge><Badge>{issue.status}</Badge><span>{issue.category.replaceAll("_", " ")}</span></div>
        <p>{issue.description}</p>
        {issue.diagnostics && <Wide label={t`Diagnostics`}><pre>{JSON.stringify(issue.diagnostics, null, 2)}</pre></Wide>}
        <h2><Trans>What happened</Trans></h2>
        <Loaded query={timeline}>
          {({ items }) => <ol className="stack tight">{(items as unknown as Entry[]).map((one) => <li key={one.id}><span className="quiet">{moment(one.at)}</span> <strong>{one.kind.replaceAll("_", " ")}</strong> {one.kind === "assigned" ? "" : one.text}</li>)}</ol>}
        </Loaded>
      </div>
      {open && (
        <div className="card">
          <Trouble error={assign.error} />
          <Button look="second" onPress={() => assign.mutate()} isPending={assign.isPending}><Trans>I take it</Trans></Button>
          <Form {...comment.form}>
            <Field label={t`Comment`} name="text" rows={2} required maxLength={2000} />
            <Trouble error={comment.error} />
            <div><Button look="second" type="submit" isPending={comment.isPending}><Trans>Add comment</Trans></Button></div>
          </Form>
          <Form {...resolve.form}>
            <Field label={t`What solved it`} name="resolution" rows={2} required maxLength={2000} />
            <Trouble error={resolve.error} />
            <div><Button type="submit" isPending={resolve.isPending}><Trans>Resolve</Trans></Button></div>
          </Form>
        </div>
      )}
    </div>
  );
}
