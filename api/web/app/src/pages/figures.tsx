// A doctor's figures of the last thirty days.

import { answer } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { api, useUser } from "../lib/api.ts";
import { duration, shortDay } from "../lib/time.ts";
import { money } from "../lib/words.ts";
import { Empty, Loaded, Page, Wide } from "../ui/parts.tsx";

export function Figures() {
  const { t } = useLingui();
  const id = useUser()?.doctor_id ?? "";
  const query = useQuery({ queryKey: ["figures", id], queryFn: () => answer(api.GET("/api/v1/analytics/doctors/{id}", { params: { path: { id } } })) });
  return (
    <Page title={t`Figures`} lead={t`The last thirty days`}>
      <Loaded query={query}>
        {({ items }) => {
          const sessions = items.reduce((sum, one) => sum + one.sessions, 0);
          if (sessions === 0) return <Empty><p><Trans>No consultation was completed in this time.</Trans></p></Empty>;
          const earned = new Map<string, number>();
          for (const { currency, amount_minor } of items.flatMap((one) => one.earnings)) earned.set(currency, (earned.get(currency) ?? 0) + amount_minor);
          const seconds = items.reduce((sum, one) => sum + one.average_duration_seconds * one.sessions, 0) / sessions;
          const most = Math.max(...items.map((one) => one.sessions));
          return (
            <>
              <div className="columns">
                <p className="card"><span className="quiet"><Trans>Consultations</Trans></span><strong>{sessions}</strong></p>
                <p className="card"><span className="quiet"><Trans>Usual length</Trans></span><strong>{duration(seconds)}</strong></p>
                <p className="card"><span className="quiet"><Trans>Earned</Trans></span><strong>{[...earned].map(([currency, amount_minor]) => money({ currency, amount_minor })).join(", ") || "–"}</strong></p>
              </div>
              <Wide label={t`By day`}>
                <table>
                  <caption className="sr-only"><Trans>By day</Trans></caption>
                  <thead><tr><th scope="col"><Trans>Day</Trans></th><th scope="col"><Trans>Consultations</Trans></th><th scope="col"><Trans>Patients</Trans></th><th scope="col"><Trans>Rating</Trans></th></tr></thead>
                  <tbody>
                    {items.filter((one) => one.sessions > 0).map((one) => (
                      <tr key={one.date}>
                        <th scope="row">{shortDay(`${one.date}T12:00:00Z`, "UTC")}</th>
                        <td><meter className="bar-chart" min={0} max={most} value={one.sessions} aria-label={t`Consultations`} /> {one.sessions}</td>
                        <td>{one.patients}</td><td>{one.average_rating?.toFixed(1) ?? "–"}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Wide>
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}
