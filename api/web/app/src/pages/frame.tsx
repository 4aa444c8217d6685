// What is around every page: where one can go, the language, what is wrong with the connection.

import { Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { connection, session, useConnection, useUser } from "../lib/api.ts";
import { LANGUAGES, type Language, speak } from "../lib/language.ts";
import { useLive } from "../lib/live.ts";
import { notifications } from "../lib/queries.ts";
import { Button, Page, Select, Trouble } from "../ui/parts.tsx";
import { useOnline } from "../lib/online.ts";

export function Frame() {
  useLive();
  useFocusOnNewPage();
  return (
    <>
      <a className="skip" href="#content"><Trans>Skip to the content</Trans></a>
      <Bar />
      <Connected />
      <Outlet />
      <Foot />
    </>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="currentColor" />
      <path d="M16 8v16M8 16h16" stroke="var(--on-accent)" strokeWidth="4" strokeLinecap="round" />
    </svg>
  );
}

function Bar() {
  const user = useUser();
  const navigate = useNavigate();
  const leave = async () => {
    await session.logout();
    await navigate({ to: "/" });
  };
  return (
    <div className="bar">
      <header className="bar-inner">
        <Link to="/" className="brand"><Logo /><span>Consilium</span></Link>
        <Places />
        <div className="bar-end">
          <LanguageChoice />
          {user && <Bell />}
          {user ? <Button look="second" onPress={leave}><Trans>Sign out</Trans></Button>
            : <Link to="/sign-in" className="button second"><Trans>Sign in</Trans></Link>}
        </div>
      </header>
    </div>
  );
}

function Places() {
  const { t } = useLingui();
  const role = useUser()?.role;
  const messages = ["/messages", t`Messages`] as const;
  const places: Record<string, readonly (readonly [to: string, words: string])[]> = {
    patient: [["/appointments", t`Appointments`], ["/doctors", t`Find a doctor`], messages, ["/profile", t`Profile`]],
    doctor: [["/calendar", t`Calendar`], ["/requests", t`Requests`], ["/waiting-room", t`Waiting room`], messages, ["/availability", t`Hours`], ["/figures", t`Figures`], ["/profile", t`Profile`]],
    nurse: [["/waiting-room", t`Waiting room`], ["/appointments", t`Appointments`], messages],
    pharmacist: [["/dispense", t`Prescriptions`], messages],
    support: [["/issues", t`Technical issues`], ["/waiting-room", t`Waiting room`]],
    admin: [["/admin/system", t`System`], ["/admin/doctors", t`Verify doctors`], ["/admin/users", t`Accounts`], ["/admin/deliveries", t`Deliveries`], ["/admin/audit", t`Audit log`], ["/admin/settings", t`Settings`], ["/issues", t`Technical issues`]],
  };
  const mine = places[role ?? ""] ?? [["/doctors", t`Find a doctor`]];
  return (
    <nav className="places" aria-label={t`Main`}>
      {mine.map(([to, words]) => <Link key={to} to={to} activeProps={{ "aria-current": "page" }}>{words}</Link>)}
    </nav>
  );
}

/** To the inbox, with how much of it is new. */
function Bell() {
  const { t } = useLingui();
  const { data } = useQuery(notifications());
  const unread = data?.items.filter(({ read_at }) => !read_at).length ?? 0;
  return (
    <Link to={"/inbox" as "/"} className="bell" aria-label={unread > 0 ? t`Inbox, ${unread} new` : t`Inbox`}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6Zm-2 16a2 2 0 0 0 4 0" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" /></svg>
      {unread > 0 && <span className="count">{unread}</span>}
    </Link>
  );
}

function LanguageChoice() {
  const { t, i18n } = useLingui();
  return (
    <Select label={t`Language`} hidden value={i18n.locale} options={Object.entries(LANGUAGES)}
      onChange={(language) => void speak(language as Language, true)} />
  );
}

/** Says when the server cannot be heard, and when another tab has taken the line. */
function Connected() {
  const online = useOnline();
  const state = useConnection();
  if (!online) return <p className="band" role="status"><Trans>You are offline. What you see may be old; what you write is sent later.</Trans></p>;
  if (state !== "replaced") return null;
  return (
    <p className="band" role="status">
      <Trans>Consilium is open in another tab, which gets the news now.</Trans>{" "}
      <Button look="second" onPress={() => connection.connect()}><Trans>Use it here</Trans></Button>
    </p>
  );
}

function Foot() {
  return (
    <footer className="foot">
      <div>
        <span><strong><Trans>In an emergency call your local emergency number.</Trans></strong></span>
        <a href="/api/docs/"><Trans>For developers</Trans></a>
      </div>
    </footer>
  );
}

// Somebody who listens to the page is told of the new one by its heading.
function useFocusOnNewPage(): void {
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (path && before.current && before.current !== path) document.getElementById("content")?.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
}

export function NotFound() {
  const { t } = useLingui();
  return (
    <Page title={t`There is no such page`} width="narrow" lead={t`The link may be old, or a letter of it is missing.`}>
      <div><Link to="/" className="button"><Trans>To the start</Trans></Link></div>
    </Page>
  );
}

export function PageTrouble({ error, reset }: { error: unknown; reset: () => void }) {
  const { t } = useLingui();
  return <Page title={t`This page does not work`} width="narrow"><Trouble error={error} retry={reset} /></Page>;
}
