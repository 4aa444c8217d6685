// A doctor's verification: the documents that an administrator looks at, how far it is, and asking again.

import { answer, Problem } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { credentials, doctor } from "../lib/queries.ts";
import { moment } from "../lib/time.ts";
import type { Credential, Doctor } from "../lib/types.ts";
import { CREDENTIALS, credential as kindWords } from "../lib/words.ts";
import { Attach, FileView } from "../ui/files.tsx";
import { Badge, Button, Empty, Loaded, Notice, Page, Select, Trouble } from "../ui/parts.tsx";

const TYPES = ["application/pdf", "image/jpeg", "image/png"];
const LARGEST = 20 * 1024 * 1024; // bytes

export function Verification() {
  const { t } = useLingui();
  const id = useUser()?.doctor_id ?? "";
  const query = useQuery({ ...doctor(id), staleTime: 0, refetchInterval: 30_000 }); // an administrator decides meanwhile
  return (
    <Page title={t`Verification`} width="narrow" lead={t`Only you and the administrators of the clinic see your documents.`}>
      <Loaded query={query}>{(known) => <Documents of={known} />}</Loaded>
    </Page>
  );
}

function Documents({ of }: { of: Doctor }) {
  const query = useQuery(credentials(of.id));
  return (
    <>
      <Standing of={of} />
      <Loaded query={query}>
        {({ items, required }) => (
          <>
            <section className="stack" aria-labelledby="documents">
              <h2 id="documents"><Trans>Your documents</Trans></h2>
              {items.length === 0
                ? <Empty><p>{required ? <Trans>No document yet. You are verified only with at least one.</Trans> : <Trans>No document yet.</Trans>}</p></Empty>
                : <ul className="stack">{items.map((one) => <li key={one.file.id}><Document of={of} document={one} /></li>)}</ul>}
            </section>
            {of.verification !== "approved" && <Submit id={of.id} />}
            {of.verification === "rejected" && <AskAgain id={of.id} />}
          </>
        )}
      </Loaded>
    </>
  );
}

function Standing({ of }: { of: Doctor }) {
  switch (of.verification) {
    case "approved":
      return <Notice tone="good"><p><Trans>You are verified: patients find you. Your documents stay as they were looked at.</Trans></p></Notice>;
    case "rejected":
      return (
        <Notice tone="bad">
          <p><strong><Trans>Your verification was refused.</Trans></strong></p>
          {of.verification_reason && <p>{of.verification_reason}</p>}
          <p><Trans>Submit what is missing below, then ask again.</Trans></p>
        </Notice>
      );
    default:
      return <Notice tone="warn" live><p><Trans>An administrator has not verified you yet: patients do not find you.</Trans></p></Notice>;
  }
}

function Document({ of, document: { kind, submitted_at, file } }: { of: Doctor; document: Credential }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const takeBack = useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/doctors/{id}/credentials/{file_id}", { params: { path: { id: of.id, file_id: file.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: credentials(of.id).queryKey }),
  });
  const { name } = file;
  const when = moment(submitted_at);
  return (
    <article className="card">
      <div className="between"><Badge>{kindWords(kind)}</Badge><span className="quiet"><Trans>Submitted {when}</Trans></span></div>
      <FileView file={file} />
      <Trouble error={takeBack.error} />
      {of.verification !== "approved" && (
        <div><Button look="second" aria-label={t`Take back ${name}`} onPress={() => takeBack.mutate()} isPending={takeBack.isPending}><Trans>Take back</Trans></Button></div>
      )}
    </article>
  );
}

function Submit({ id }: { id: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [kind, setKind] = useState("licence");
  const submit = async (file_id: string) => {
    await answer(api.POST("/api/v1/doctors/{id}/credentials", { params: { path: { id } }, body: { kind: kind as "licence", file_id } }));
    await client.invalidateQueries({ queryKey: credentials(id).queryKey });
  };
  // What the server would say after the upload.
  const refuse = (file: File) => {
    if (file.size > LARGEST) return new Problem(413, "credential_too_large", "");
    return file.type && !TYPES.includes(file.type) ? new Problem(415, "unsupported_credential_type", "") : null;
  };
  return (
    <section className="card" aria-labelledby="submit">
      <h2 id="submit"><Trans>Submit a document</Trans></h2>
      <p className="quiet"><Trans>PDF, JPEG or PNG, 20 megabytes at most. It is encrypted, and checked before anybody sees it.</Trans></p>
      <Select label={t`What it is`} value={kind} onChange={setKind} options={CREDENTIALS.map((code) => [code, kindWords(code)] as const)} />
      <div><Attach place={{ purpose: "credential", id }} onSent={submit} refuse={refuse} types={TYPES}><Trans>Choose a file</Trans></Attach></div>
    </section>
  );
}

function AskAgain({ id }: { id: string }) {
  const client = useQueryClient();
  const ask = useMutation({
    mutationFn: () => answer(api.POST("/api/v1/doctors/{id}/request-verification", { params: { path: { id } } })),
    onSettled: () => Promise.all([doctor(id).queryKey, ["own-doctor", id]].map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
  return (
    <section className="card" aria-labelledby="again">
      <h2 id="again"><Trans>Ask again</Trans></h2>
      <p className="quiet"><Trans>An administrator looks at your documents anew.</Trans></p>
      <Trouble error={ask.error} />
      <div><Button onPress={() => ask.mutate()} isPending={ask.isPending}><Trans>Ask for another review</Trans></Button></div>
    </section>
  );
}
