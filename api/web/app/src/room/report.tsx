// Telling support that something does not work.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { api } from "../lib/api.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Dialog, Field, Notice, Select, Trouble } from "../ui/parts.tsx";
import type { Room } from "./room.ts";

export function Report({ room }: { room: Room }) {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  const [sent, setSent] = useState(false);
  const report = useForm(async ({ category = "other", severity = "medium", description = "" }) => {
    const { grade, others } = room.value;
    const diagnostics = { user_agent: navigator.userAgent, connection: grade, states: others.map(({ state }) => state) };
    const body = { category, severity, description, diagnostics: diagnostics as never };
    await answer(api.POST("/api/v1/consultations/{id}/issues", { params: { path: { id: room.id } }, body }));
    setSent(true);
  });
  const show = (now: boolean) => {
    setOpen(now);
    setSent(false);
  };
  return (
    <>
      <Button look="second" onPress={() => show(true)}><Trans>Problem?</Trans></Button>
      <Dialog title={t`What does not work?`} open={open} onClose={() => show(false)}>
        {sent ? (
          <>
            <Notice tone="good" live><p><Trans>Support has been told. If there is another way to go on, it is shown below the picture.</Trans></p></Notice>
            <Button onPress={() => show(false)}><Trans>Done</Trans></Button>
          </>
        ) : (
          <Form {...report.form}>
            <Select label={t`It is about`} name="category" initial="audio"
              options={[["audio", t`Sound`], ["video", t`Picture`], ["screen_share", t`Screen`], ["connection", t`Connection`], ["chat", t`Chat`], ["other", t`Something else`]]} />
            <Select label={t`How bad is it?`} name="severity" initial="medium"
              options={[["low", t`We can go on`], ["medium", t`It disturbs`], ["high", t`We cannot go on`]]} />
            <Field label={t`What happens?`} name="description" rows={3} required maxLength={2000} />
            <Trouble error={report.error} />
            <div className="row">
              <Button type="submit" isPending={report.isPending}><Trans>Tell support</Trans></Button>
              <Button look="second" onPress={() => show(false)}><Trans>Never mind</Trans></Button>
            </div>
          </Form>
        )}
      </Dialog>
    </>
  );
}
