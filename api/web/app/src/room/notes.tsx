// The doctor's notes: saved while they are written, signed at the end.

import { answer, Problem, versioned } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "../lib/api.ts";
import { moment } from "../lib/time.ts";
import { Button, Field, Loaded, Notice, Trouble } from "../ui/parts.tsx";

const PAUSE = 1_500; // after the last key, in milliseconds
const FIELDS = ["subjective", "objective", "assessment", "plan"] as const;
type Draft = Record<(typeof FIELDS)[number], string>;

export function Notes({ consultationId: id }: { consultationId: string }) {
  const query = useQuery({
    queryKey: ["notes", id],
    queryFn: () => versioned(api.GET("/api/v1/consultations/{id}/notes", { params: { path: { id } } })),
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Loaded query={query}>
      {({ value, version }) => value.status === "signed" ? (
        <div className="card">
          <Notice tone="good"><p>{value.signed_at && <Trans>Signed {moment(value.signed_at)}</Trans>}</p></Notice>
          {FIELDS.map((field) => value[field] && <p key={field}>{value[field]}</p>)}
        </div>
      ) : <Draft key={id} id={id} first={value} version={version} />}
    </Loaded>
  );
}

function Draft({ id, first, version: begun }: { id: string; first: Draft; version: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => ({ subjective: first.subjective, objective: first.objective, assessment: first.assessment, plan: first.plan }));
  const version = useRef(begun);
  const written = useRef(draft);
  const save = useMutation({
    // One after the other: each names the version before it.
    scope: { id: `notes/${id}` },
    mutationFn: async (text: Draft) => {
      const params = { path: { id }, header: { "If-Match": version.current } };
      const saved = await versioned(api.PUT("/api/v1/consultations/{id}/notes", { params, body: text } as never));
      version.current = saved.version;
      written.current = text;
    },
    onError: (error) => {
      if (error instanceof Problem && (error.status === 412 || error.status === 409)) void client.resetQueries({ queryKey: ["notes", id] });
    },
  });
  const { mutate } = save;
  useEffect(() => {
    if (draft === written.current) return;
    const timer = setTimeout(() => mutate(draft), PAUSE);
    return () => clearTimeout(timer);
  }, [draft, mutate]);
  const sign = useMutation({
    mutationFn: async () => {
      if (draft !== written.current) await save.mutateAsync(draft);
      await answer(api.POST("/api/v1/consultations/{id}/notes/sign", { params: { path: { id }, header: { "If-Match": version.current } } } as never));
    },
    onSuccess: () => client.resetQueries({ queryKey: ["notes", id] }),
  });
  const words = { subjective: t`What the patient says`, objective: t`What you find`, assessment: t`Assessment`, plan: t`Plan` };
  return (
    <div className="card">
      {FIELDS.map((field) => (
        <Field key={field} label={words[field]} name={field} rows={2} value={draft[field]} onChange={(text) => setDraft({ ...draft, [field]: text })} />
      ))}
      <Trouble error={save.error ?? sign.error} />
      <div className="row">
        <Button look="second" isPending={sign.isPending} onPress={() => sign.mutate()}><Trans>Sign</Trans></Button>
        <span className="quiet" role="status">{save.isPending ? t`Saving …` : save.isSuccess ? t`Saved` : ""}</span>
      </div>
    </div>
  );
}
