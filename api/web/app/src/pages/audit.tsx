// For administrators: what was done, by whom, to what; and whether anybody has changed what the log says.

import { answer, type components, Problem } from "@consilium/client";
import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api } from "../lib/api.ts";
import { clock, date, midnight } from "../lib/time.ts";
import { field, role } from "../lib/words.ts";
import { Form } from "../ui/form.tsx";
import { Button, Empty, Field, Loaded, Notice, Page, Trouble } from "../ui/parts.tsx";

type Entry = components["schemas"]["AuditEntry"];
type Verification = components["schemas"]["AuditVerification"];

/** As the address has it: days are the reader's, to the end of the last one. */
interface Filter {
  user_id?: string | undefined;
  patient_id?: string | undefined;
  entity_id?: string | undefined;
  entity_kind?: string | undefined;
  action?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export function Audit() {
  const { t } = useLingui();
  const filter = useSearch({ strict: false }) as Filter;
  const query = useInfiniteQuery({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => answer(api.GET("/api/v1/admin/audit", { params: { query: asked(filter, pageParam) as never } })),
    initialPageParam: "",
    getNextPageParam: ({ next_cursor }) => next_cursor,
  });
  return (
    <Page title={t`Audit log`} lead={t`What was done and read, by whom. It holds no medical text, and that you look is written down too.`}>
      <Check />
      <Search key={JSON.stringify(filter)} filter={filter} error={query.error} />
      <Loaded query={query}>
        {({ pages }) => pages[0]?.items.length === 0 ? <Empty><p><Trans>Nothing fits.</Trans></p></Empty>
          : <ul className="stack tight" aria-label={t`Entries`}>{pages.flatMap(({ items }) => items).map((one) => <li key={one.number}><Line entry={one} /></li>)}</ul>}
      </Loaded>
      {query.hasNextPage && (
        <div><Button look="second" onPress={() => void query.fetchNextPage()} isPending={query.isFetchingNextPage}><Trans>Show more</Trans></Button></div>
      )}
    </Page>
  );
}

function asked({ from, to, ...filter }: Filter, cursor: string) {
  const wanted = { ...filter, from: from && midnight(from), to: to && midnight(to, 1), cursor, limit: 50 };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
}

function Search({ filter, error }: { filter: Filter; error: unknown }) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const wrong = error instanceof Problem && error.status === 422 ? error.errors : [];
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()] as const);
    void navigate({ to: "/admin/audit" as "/", search: Object.fromEntries(entered.filter(([, value]) => value)) as never });
  };
  return (
    <search className="card">
      <Form send={send} wrong={Object.fromEntries(wrong.map(({ pointer, code, detail }) => [pointer.slice(1), field(code, detail)]))}>
        <div className="filters">
          <Field label={t`Action`} name="action" initial={filter.action ?? ""} hint="read_patient" maxLength={64} autoComplete="off" />
          <Field label={t`Kind`} name="entity_kind" initial={filter.entity_kind ?? ""} hint="appointment" maxLength={64} autoComplete="off" />
          <Field label={t`From`} name="from" type="date" initial={filter.from ?? ""} />
          <Field label={t`To`} name="to" type="date" initial={filter.to ?? ""} />
        </div>
        <div className="filters">
          <Field label={t`Account (id)`} name="user_id" initial={filter.user_id ?? ""} maxLength={36} autoComplete="off" />
          <Field label={t`Patient (id)`} name="patient_id" initial={filter.patient_id ?? ""} maxLength={36} autoComplete="off" />
          <Field label={t`What it is about (id)`} name="entity_id" initial={filter.entity_id ?? ""} maxLength={36} autoComplete="off" />
        </div>
        <div className="row">
          <Button type="submit"><Trans>Search</Trans></Button>
          {Object.values(filter).some(Boolean) && <Link to={"/admin/audit" as "/"} className="button second"><Trans>Show everything</Trans></Link>}
        </div>
      </Form>
    </search>
  );
}

/** One line of the log, with all that it says when it is opened. */
function Line({ entry }: { entry: Entry }) {
  const { entity } = entry;
  const only = (search: Filter, words: string) => <Link to={"/admin/audit" as "/"} search={search as never}>{words}</Link>;
  return (
    <details className="card">
      <summary>
        <strong>{entry.action.replaceAll("_", " ")}</strong> <span>{role(entry.principal)}</span> <span className="quiet">{date(entry.at)}, {clock(entry.at)}</span>
      </summary>
      <dl className="facts">
        <dt><Trans>Number</Trans></dt><dd>{entry.number}</dd>
        {entry.user_id && <><dt><Trans>Account</Trans></dt><dd>{only({ user_id: entry.user_id }, entry.user_id)}</dd></>}
        <dt><Trans>About</Trans></dt><dd>{entity.kind.replaceAll("_", " ")} {only({ entity_id: entity.id }, entity.id)}</dd>
        {entity.version > 0 && <><dt><Trans>Version</Trans></dt><dd>{entity.version}</dd></>}
        <dt><Trans>Request</Trans></dt><dd>{entry.request_id}</dd>
        {entry.detail && <><dt><Trans>Details</Trans></dt><dd><pre>{JSON.stringify(entry.detail, null, 1)}</pre></dd></>}
      </dl>
    </details>
  );
}

/** What all parts of the check found so far. */
type Checked = Pick<Verification, "sealed_height" | "checked_height" | "checked_entries" | "unsealed_entries" | "findings" | "findings_count" | "head">;
const NOTHING: Checked = { sealed_height: 0, checked_height: 0, checked_entries: 0, unsealed_entries: 0, findings: [], findings_count: 0, head: "" };
const TOLD = 20;

/** Has the server check the log part by part, so that a long one takes nobody's turn. */
function Check() {
  const [far, setFar] = useState(NOTHING);
  const check = useMutation({
    mutationFn: async () => {
      let [sum, cursor]: [Checked, string | null | undefined] = [NOTHING, undefined];
      while (cursor !== null) {
        const part: Verification = await answer(api.GET("/api/v1/admin/audit/verification", { params: { query: cursor ? { cursor } : {} } }));
        sum = together(sum, part);
        cursor = part.next_cursor ?? null;
        setFar(sum);
      }
      return sum;
    },
  });
  const { checked_height: height, sealed_height: newest } = far;
  return (
    <section className="stack">
      <div><Button look="second" onPress={() => check.mutate()} isPending={check.isPending}><Trans>Check that nobody has changed it</Trans></Button></div>
      <Trouble error={check.error} />
      {check.isPending && <p role="status" className="quiet"><Trans>Block {height} of {newest} …</Trans></p>}
      {check.data && <Verdict found={check.data} />}
    </section>
  );
}

const together = (sum: Checked, part: Verification): Checked => ({
  ...part,
  checked_entries: sum.checked_entries + part.checked_entries,
  unsealed_entries: sum.unsealed_entries + part.unsealed_entries,
  findings: [...sum.findings, ...part.findings].slice(0, TOLD),
  findings_count: sum.findings_count + part.findings_count,
});

function Verdict({ found }: { found: Checked }) {
  const { checked_entries: sealed, unsealed_entries: unsealed, sealed_height: height, findings_count: count, findings, head } = found;
  return (
    <Notice tone={count > 0 ? "bad" : "good"} live>
      <p><strong>{count > 0 ? <Plural value={count} one="The log was changed: # thing does not fit." other="The log was changed: # things do not fit." />
        : <Trans>The log is sound: nothing in it was changed.</Trans>}</strong></p>
      {findings.length > 0 && <ul>{findings.map(({ detail }) => <li key={detail}>{detail}</li>)}</ul>}
      <p><Trans>{sealed} entries in {height} blocks, {unsealed} not sealed yet.</Trans></p>
      <p className="quiet"><Trans>That the newest blocks are missing shows only beside the hash in the server's log: {head}</Trans></p>
    </Notice>
  );
}
