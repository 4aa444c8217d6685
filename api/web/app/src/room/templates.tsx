// A doctor's templates: put into the prescription, renamed, deleted, and a new one kept.

import { answer, type components, versioned } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../lib/api.ts";
import type { Medicine } from "../lib/types.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Dialog, Field, Loaded, Trouble } from "../ui/parts.tsx";

type Template = components["schemas"]["PrescriptionTemplate"];

const templates = () =>
  queryOptions({ queryKey: ["prescription-templates"], queryFn: () => answer(api.GET("/api/v1/prescription-templates")) });

function useChanged() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["prescription-templates"] });
}

export function Templates({ onApply }: { onApply: (medicines: readonly Medicine[]) => void }) {
  const { t } = useLingui();
  const [renamed, setRenamed] = useState<Template | null>(null);
  const [deleted, setDeleted] = useState<Template | null>(null);
  return (
    <section className="card">
      <h2><Trans>Templates</Trans></h2>
      <Loaded query={useQuery(templates())}>
        {({ items }) => items.length === 0 ? <p className="quiet"><Trans>None yet. Medicines that you enter below can be kept as a template.</Trans></p> : (
          <ul className="stack tight">
            {items.map((one) => (
              <li key={one.id} className="between">
                <Button look="second" aria-label={t`Use ${one.name}`} onPress={() => onApply(one.medicines as Medicine[])}>{one.name}</Button>
                <span className="row">
                  <Button look="plain" aria-label={t`Rename ${one.name}`} onPress={() => setRenamed(one)}><Trans>Rename</Trans></Button>
                  <Button look="plain" aria-label={t`Delete ${one.name}`} onPress={() => setDeleted(one)}><Trans>Delete</Trans></Button>
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <Dialog title={t`Rename the template`} open={renamed !== null} onClose={() => setRenamed(null)}>
        {renamed && <Rename id={renamed.id} onDone={() => setRenamed(null)} />}
      </Dialog>
      <Dialog title={t`Delete the template?`} open={deleted !== null} onClose={() => setDeleted(null)}>
        {deleted && <Delete template={deleted} onDone={() => setDeleted(null)} />}
      </Dialog>
    </section>
  );
}

function Rename({ id, onDone }: { id: string; onDone: () => void }) {
  const { t } = useLingui();
  const changed = useChanged();
  const params = { path: { id } };
  const query = useQuery({
    queryKey: ["prescription-templates", id],
    queryFn: () => versioned(api.GET("/api/v1/prescription-templates/{id}", { params })),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const rename = useForm(async ({ name = "" }) => {
    const header = { "If-Match": query.data?.version ?? "" };
    await answer(api.PATCH("/api/v1/prescription-templates/{id}", { params: { ...params, header }, body: { name } }));
    await changed();
    onDone();
  });
  return (
    <Loaded query={query}>
      {({ value }) => (
        <Form {...rename.form}>
          <Field label={t`Name of the template`} name="name" initial={value.name} required maxLength={100} />
          <Trouble error={rename.error} />
          <div className="row">
            <Button type="submit" isPending={rename.isPending}><Trans>Save</Trans></Button>
            <Button look="second" onPress={onDone}><Trans>Cancel</Trans></Button>
          </div>
        </Form>
      )}
    </Loaded>
  );
}

function Delete({ template: { id, name }, onDone }: { template: Template; onDone: () => void }) {
  const changed = useChanged();
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/api/v1/prescription-templates/{id}", { params: { path: { id } } })),
    onSuccess: async () => {
      await changed();
      onDone();
    },
  });
  return (
    <>
      <p><Trans>“{name}” is gone then. Prescriptions that were made with it stay what they are.</Trans></p>
      <Trouble error={remove.error} />
      <div className="row">
        <Button look="danger" isPending={remove.isPending} onPress={() => remove.mutate()}><Trans>Delete</Trans></Button>
        <Button look="second" onPress={onDone}><Trans>Cancel</Trans></Button>
      </div>
    </>
  );
}

/** Asks for the name under which medicines are kept. */
export function Keep({ medicines, onClose }: { medicines: readonly Medicine[] | null; onClose: () => void }) {
  const { t } = useLingui();
  const changed = useChanged();
  const keep = useForm(async ({ name = "" }) => {
    await answer(api.POST("/api/v1/prescription-templates", { body: { name, medicines: [...(medicines ?? [])] } }));
    await changed();
    onClose();
  });
  return (
    <Dialog title={t`Keep as a template`} open={medicines !== null} onClose={onClose}>
      <Form {...keep.form}>
        <Field label={t`Name of the template`} name="name" required maxLength={100} hint={medicines?.map(({ name }) => name).join(", ")} />
        <Trouble error={keep.error} />
        <div className="row">
          <Button type="submit" isPending={keep.isPending}><Trans>Save</Trans></Button>
          <Button look="second" onPress={onClose}><Trans>Cancel</Trans></Button>
        </div>
      </Form>
    </Dialog>
  );
}
