// The first page: what this is, or what is next for whoever is logged in.

import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useUser } from "../lib/api.ts";
import { appointments, doctor } from "../lib/queries.ts";
import { useNow } from "../lib/time.ts";
import type { User } from "../lib/types.ts";
import { role } from "../lib/words.ts";
import { Empty, Loaded, Notice, Page } from "../ui/parts.tsx";
import { AppointmentCard, isAhead } from "../ui/appointment.tsx";

export function Start() {
  const user = useUser();
  return user ? <Welcome user={user} /> : <Front />;
}

function Front() {
  const { t } = useLingui();
  return (
    <Page title={t`See a doctor by video`} lead={t`Book a time, wait at home, talk, and get your prescription. All in this browser, nothing to install.`}>
      <div className="row">
        <Link to="/doctors" className="button"><Trans>Find a doctor</Trans></Link>
        <Link to="/register" className="button second"><Trans>Create an account</Trans></Link>
      </div>
      <Notice tone="warn"><Trans>Chest pain, trouble breathing, heavy bleeding? Do not wait for a video call: call your local emergency number now.</Trans></Notice>
    </Page>
  );
}

function Welcome({ user }: { user: User }) {
  const { t } = useLingui();
  const name = user.given_name;
  return (
    <Page title={t`Hello ${name}`} lead={user.role === "patient" ? undefined : role(user.role)}>
      {!user.email_verified && <Unverified />}
      {user.doctor_id && <ToBeVerified id={user.doctor_id} />}
      {user.role === "patient" || user.role === "doctor" ? <Upcoming patient={user.role === "patient"} /> : null}
    </Page>
  );
}

function Unverified() {
  return (
    <Notice>
      <p><Trans>Please confirm your e-mail address with the code that we have sent you. Some clinics ask for it before the first appointment.</Trans></p>
      <p><Link to="/verify-email"><Trans>Enter the code</Trans></Link></p>
    </Notice>
  );
}

/** Tells a doctor whom patients do not find yet where to show documents. */
function ToBeVerified({ id }: { id: string }) {
  const { data } = useQuery(doctor(id));
  if (!data || data.verified) return null;
  return (
    <Notice tone="warn">
      <p><Trans>An administrator has not verified you yet: patients do not find you.</Trans></p>
      <p><Link to={"/verification" as "/"}><Trans>Show documents for your verification</Trans></Link></p>
    </Notice>
  );
}

function Upcoming({ patient }: { patient: boolean }) {
  const { t } = useLingui();
  const now = useNow();
  const query = useQuery(appointments());
  return (
    <Loaded query={query}>
      {({ items }) => {
        const ahead = items.filter((one) => isAhead(one, now));
        if (ahead.length === 0) {
          return (
            <Empty>
              <p>{patient ? t`You have no appointments.` : t`No appointments are booked.`}</p>
              {patient && <Link to="/doctors" className="button"><Trans>Find a doctor</Trans></Link>}
            </Empty>
          );
        }
        return (
          <>
            <section className="stack">
              <h2><Trans>Next appointment</Trans></h2>
              {ahead.slice(0, 1).map((one) => <AppointmentCard key={one.id} appointment={one} />)}
            </section>
            {ahead.length > 1 && (
              <section className="stack">
                <h2><Trans>After that</Trans></h2>
                {ahead.slice(1, 6).map((one) => <AppointmentCard key={one.id} appointment={one} />)}
              </section>
            )}
            <div className="row">
              {patient && <Link to="/doctors" className="button second"><Trans>Find a doctor</Trans></Link>}
              <Link to="/appointments" className="button second"><Trans>All appointments</Trans></Link>
            </div>
          </>
        );
      }}
    </Loaded>
  );
}
