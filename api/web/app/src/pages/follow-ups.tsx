// Times that are kept for a patient because the doctor asked for another visit.

import { answer, type components } from "@consilium/client";
import { Trans } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { doctor as doctorQuery, followUps } from "../lib/queries.ts";
import { api } from "../lib/api.ts";
import { moment } from "../lib/time.ts";
import { visit } from "../lib/words.ts";
import { Button, Trouble } from "../ui/parts.tsx";

type FollowUp = components["schemas"]["FollowUp"];

/** Those that wait for an answer. */
export function FollowUps() {
  const { data } = useQuery(followUps());
  const held = (data?.items ?? []).filter(({ status }) => status === "held") as FollowUp[];
  if (held.length === 0) return null;
  return (
    <section className="stack">
      <h2><Trans>Your doctor asks you to come again</Trans></h2>
      {held.map((one) => <Held key={one.id} followUp={one} />)}
    </section>
  );
}

function Held({ followUp: { id, doctor_id, starts_at, expires_at, visit_type } }: { followUp: FollowUp }) {
  const client = useQueryClient();
  const doctor = useQuery(doctorQuery(doctor_id));
  const reply = useMutation({
    mutationFn: async (verb: "confirm" | "decline") => {
      const params = { path: { id } };
      if (verb === "confirm") await answer(api.POST("/api/v1/follow-ups/{id}/confirm", { params }));
      else await answer(api.POST("/api/v1/follow-ups/{id}/decline", { params }));
    },
    onSettled: () => Promise.all(["follow-ups", "appointments"].map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
  const until = expires_at ? moment(expires_at) : "";
  return (
    <article className="card">
      <h3>{starts_at ? moment(starts_at) : ""}</h3>
      <p>{doctor.data?.display_name} · {visit(visit_type)}</p>
      <p className="quiet"><Trans>Kept for you until {until}.</Trans></p>
      <Trouble error={reply.error} />
      <div className="row">
        <Button onPress={() => reply.mutate("confirm")} isPending={reply.isPending}><Trans>Yes, I come</Trans></Button>
        <Button look="second" onPress={() => reply.mutate("decline")} isPending={reply.isPending}><Trans>No, thank you</Trans></Button>
      </div>
    </article>
  );
}
