// To be seen now, without an appointment: into the doctor's waiting room at once.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../lib/api.ts";
import type { VisitType } from "../lib/types.ts";
import { visit } from "../lib/words.ts";
import { Form, useForm } from "../ui/form.tsx";
import { Button, Dialog, Field, Select, Trouble } from "../ui/parts.tsx";

const VISITS: readonly VisitType[] = ["video", "audio", "chat"];

export function WalkIn({ doctorId: id }: { doctorId: string }) {
  const { t } = useLingui();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const come = useForm(async ({ reason = "", visit_type = "video" }) => {
    const body = { reason, visit_type: visit_type as VisitType };
    const { consultation } = await answer(api.POST("/api/v1/doctors/{id}/waiting-room", { params: { path: { id } }, body }));
    await client.invalidateQueries({ queryKey: ["appointments"] });
    await navigate({ to: `/consultations/${consultation.id}` as "/" });
  });
  return (
    <>
      <Button look="second" onPress={() => setOpen(true)}><Trans>See this doctor now</Trans></Button>
      <Dialog title={t`See this doctor now`} open={open} onClose={() => setOpen(false)}>
        <p><Trans>You wait with those who are booked, and are seen when there is a gap. Urgent cases come first.</Trans></p>
        <Form {...come.form}>
          <Field label={t`What is it about?`} name="reason" rows={2} required maxLength={2000} />
          <Select label={t`How`} name="visit_type" initial="video" options={VISITS.map((one) => [one, visit(one)] as const)} />
          <Trouble error={come.error} />
          <div className="row">
            <Button type="submit" isPending={come.isPending}><Trans>To the waiting room</Trans></Button>
            <Button look="second" onPress={() => setOpen(false)}><Trans>Never mind</Trans></Button>
          </div>
        </Form>
      </Dialog>
    </>
  );
}
