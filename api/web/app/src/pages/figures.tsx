// A doctor's figures of a time: how much was done, how it was rated, and what was earned, as a chart and as a table.

import { answer, type components } from "@consilium/client";
import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, useUser } from "../lib/api.ts";
import { type Bucket, buckets, csv, daysBefore, type Step, stepFor, totals } from "../lib/earnings.ts";
import { date, dateKey, duration } from "../lib/time.ts";
import { currencyName, money } from "../lib/words.ts";
import { Button, Empty, Field, Loaded, Page, Select, Wide } from "../ui/parts.tsx";

type Figures_ = components["schemas"]["DoctorAnalytics"];
const OWN = "own";
const LONGEST = 366; // days that the server counts at once

export function Figures() {
  const { t } = useLingui();
  const id = useUser()?.doctor_id ?? "";
  const today = dateKey(new Date());
  const [period, setPeriod] = useState("30");
  const [own, setOwn] = useState({ from: daysBefore(today, 29), to: today });
  const { from, to } = period === OWN ? own : { from: daysBefore(today, Number(period) - 1), to: today };
  const wrong = from === "" || to === "" || from > to || daysBefore(to, LONGEST - 1) > from;
  const query = useQuery({
    queryKey: ["figures", id, from, to],
    queryFn: () => answer(api.GET("/api/v1/analytics/doctors/{id}", { params: { path: { id }, query: { from, to } } })),
    enabled: !wrong,
    placeholderData: (before) => before,
  });
  return (
    <Page title={t`Figures`} lead={t`What you did and earned, by the days of your time zone`}>
      <div className="filters">
        <Select label={t`Time`} value={period} onChange={setPeriod}
          options={[["7", t`The last 7 days`], ["30", t`The last 30 days`], ["90", t`The last 90 days`], ["365", t`The last 12 months`], [OWN, t`Other dates`]]} />
        {period === OWN && (
          <>
            <Field label={t`From`} name="from" type="date" value={own.from} onChange={(day) => setOwn({ ...own, from: day })} />
            <Field label={t`To`} name="to" type="date" value={own.to} onChange={(day) => setOwn({ ...own, to: day })} />
          </>
        )}
      </div>
      {wrong ? <p className="error" role="alert"><Trans>The first day must not lie after the last one, and not more than a year before it.</Trans></p>
        : <Loaded query={query}>{(figures) => <Report key={`${from}/${to}`} figures={figures} />}</Loaded>}
    </Page>
  );
}

function Report({ figures }: { figures: Figures_ }) {
  const { t } = useLingui();
  const { items, from, to } = figures;
  const [step, setStep] = useState<Step>(stepFor(from, to));
  const sessions = items.reduce((sum, one) => sum + one.sessions, 0);
  if (sessions === 0) return <Empty><p><Trans>No consultation was completed in this time.</Trans></p></Empty>;
  const seconds = items.reduce((sum, one) => sum + one.average_duration_seconds * one.sessions, 0) / sessions;
  const earned = totals(items);
  const parts = buckets(items, from, to, step);
  const save = () => {
    const url = URL.createObjectURL(new Blob([csv(items)], { type: "text/csv" }));
    Object.assign(document.createElement("a"), { href: url, download: `consilium-${from}-${to}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return (
    <>
      <div className="columns">
        <p className="card"><span className="quiet"><Trans>Consultations</Trans></span><strong>{sessions}</strong></p>
        <p className="card"><span className="quiet"><Trans>Usual length</Trans></span><strong>{duration(seconds)}</strong></p>
        <p className="card"><span className="quiet"><Trans>Earned</Trans></span><strong>{earned.map(money).join(", ") || "–"}</strong></p>
      </div>
      <section className="stack" aria-labelledby="earnings">
        <h2 id="earnings"><Trans>Earnings</Trans></h2>
        <p className="quiet"><Trans>By the fee that you charged when a consultation ended. Visits that were cancelled or missed earn nothing.</Trans></p>
        <div className="filters">
          <Select label={t`In steps of`} value={step} onChange={(one) => setStep(one as Step)} options={[["day", t`Days`], ["week", t`Weeks`], ["month", t`Months`]]} />
        </div>
        {earned.length === 0 && <Empty><p><Trans>Nothing was earned: no fee was set. You set it in your profile.</Trans></p></Empty>}
        {earned.map(({ currency }) => <Chart key={currency} parts={parts} currency={currency} titled={earned.length > 1} />)}
        <Table parts={parts} step={step} />
        <div><Button look="second" onPress={save}><Trans>Save as CSV</Trans></Button></div>
      </section>
    </>
  );
}

const HIGH = 100;

/** Bars of one currency. What they show is in the table, too. */
function Chart({ parts, currency, titled }: { parts: readonly Bucket[]; currency: string; titled: boolean }) {
  const { t } = useLingui();
  const sums = parts.map(({ earned }) => earned.get(currency) ?? 0);
  const most = Math.max(...sums);
  const wide = 8 * Math.min(1, parts.length / 7); // a single bar does not fill the page
  const sum = money({ currency, amount_minor: sums.reduce((all, one) => all + one, 0) });
  const highest = money({ currency, amount_minor: most });
  const best = parts[sums.indexOf(most)];
  const when = best ? date(`${best.from}T12:00:00Z`, "UTC") : "";
  const [first, last] = [parts[0], parts.at(-1)].map((one) => (one ? date(`${one.from}T12:00:00Z`, "UTC") : ""));
  return (
    <figure className="bars">
      {titled && <figcaption>{currencyName(currency)}</figcaption>}
      <span className="quiet" aria-hidden="true">{highest}</span>
      <svg role="img" viewBox={`0 0 ${parts.length * 10} ${HIGH}`} preserveAspectRatio="none" aria-label={t`${sum} in all; most, ${highest}, from ${when} on. All amounts are in the table below.`}>
        {sums.map((amount, at) => {
          const height = most > 0 ? (amount / most) * HIGH : 0;
          return <rect key={parts[at]?.from} x={at * 10 + (10 - wide) / 2} y={HIGH - height} width={wide} height={height} />;
        })}
      </svg>
      <span className="between quiet" aria-hidden="true"><span>{first}</span><span>{parts.length > 1 && last}</span></span>
    </figure>
  );
}

function Table({ parts, step }: { parts: readonly Bucket[]; step: Step }) {
  const { t } = useLingui();
  const title = { day: t`By day`, week: t`By week`, month: t`By month` }[step];
  const first = { day: t`Day`, week: t`Week from`, month: t`Month from` }[step];
  const sessions = parts.reduce((sum, one) => sum + one.sessions, 0);
  return (
    <Wide label={title}>
      <table>
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{first}</th><th scope="col"><Trans>Consultations</Trans></th><th scope="col"><Trans>Earned</Trans></th>
            {step === "day" && <><th scope="col"><Trans>Patients</Trans></th><th scope="col"><Trans>Rating</Trans></th></>}
          </tr>
        </thead>
        <tbody>
          {parts.filter((one) => one.sessions > 0 || one.earned.size > 0).map((one) => (
            <tr key={one.from}>
              <th scope="row">{date(`${one.from}T12:00:00Z`, "UTC")}</th><td>{one.sessions}</td><td>{amounts(one.earned)}</td>
              {step === "day" && <><td>{one.patients}</td><td>{one.rating?.toFixed(1) ?? "–"}</td></>}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row"><Trans>In all</Trans></th><td>{sessions}</td><td>{amounts(totals(parts.map(({ earned }) => ({ earnings: list(earned) }))))}</td>
            {step === "day" && <><td>–</td><td>–</td></>}
          </tr>
        </tfoot>
      </table>
    </Wide>
  );
}

const list = (earned: ReadonlyMap<string, number>) => [...earned].map(([currency, amount_minor]) => ({ currency, amount_minor }));
const amounts = (earned: ReadonlyMap<string, number> | { currency: string; amount_minor: number }[]) =>
  (Array.isArray(earned) ? earned : list(earned as ReadonlyMap<string, number>)).map(money).join(", ") || "–";
