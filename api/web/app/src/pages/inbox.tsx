// What one was told: the inbox of notifications, with the way to what each is about.

import { answer, type components } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../lib/api.ts";
import { notifications } from "../lib/queries.ts";
import { moment, relative, useNow } from "../lib/time.ts";
import { dispensing, notification as words } from "../lib/words.ts";
import { Badge, Button, Empty, Loaded, Page, Trouble } from "../ui/parts.tsx";

type Told = components["schemas"]["Notification"];

export function Inbox() {
  const { t } = useLingui();
  const client = useQueryClient();
  const read = useMutation({
    mutationFn: (ids: readonly string[]) => Promise.all(ids.map((id) => answer(api.POST("/api/v1/me/notifications/{id}/read", { params: { path: { id } } })))),
    onSettled: () => client.invalidateQueries({ queryKey: ["notifications"] }),
  });
  return (
    <Page title={t`Inbox`} width="narrow">
      <Trouble error={read.error} />
      <Loaded query={useQuery(notifications())}>
        {({ items }) => {
          const unread = items.filter(({ read_at }) => !read_at).map(({ id }) => id);
          if (items.length === 0) return <Empty><p><Trans>Nothing yet.</Trans></p></Empty>;
          return (
            <>
              {unread.length > 0 && <div><Button look="second" isPending={read.isPending} onPress={() => read.mutate(unread)}><Trans>Mark all as read</Trans></Button></div>}
              <ul className="stack">{items.map((one) => <li key={one.id}><Entry told={one} onRead={() => read.mutate([one.id])} /></li>)}</ul>
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

const text = (value: unknown) => (typeof value === "string" ? value : "");

function Entry({ told, onRead }: { told: Told; onRead: () => void }) {
  const { kind, at, read_at, params } = told;
  const now = useNow();
  const name = text(params.doctor_name) || text(params.patient_name);
  const to = about(told);
  const detail = [name, params.starts_at ? moment(text(params.starts_at)) : "", kind === "prescription_status_changed" ? dispensing(text(params.status)) : ""];
  return (
    <article className="card">
      <div className="between">
        <strong>{words(kind)}</strong>
        {!read_at && <Badge tone="warn"><Trans>new</Trans></Badge>}
      </div>
      <p>{detail.filter(Boolean).join(" · ")}</p>
      <div className="between">
        <span className="quiet">{relative(at, now)}</span>
        <span className="row">
          {to && <Link to={to as "/"} className="button second" onClick={() => read_at || onRead()}><Trans>Show</Trans></Link>}
          {!read_at && <Button look="plain" onPress={onRead}><Trans>Mark as read</Trans></Button>}
        </span>
      </div>
    </article>
  );
}

/** Where one sees what it is about. */
function about({ appointment_id, params }: Told): string | null {
  if (appointment_id) return `/appointments/${appointment_id}`;
  if (params.follow_up_id) return "/appointments";
  if (params.thread_id) return `/messages/${text(params.thread_id)}`;
  return params.consultation_id ? `/consultations/${text(params.consultation_id)}` : null;
}
